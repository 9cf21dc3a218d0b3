"""`triage keys`, `triage users` and `triage audit`, on a store in a folder."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from serving.store.actors import Role
from serving.store.keys import digest, valid
from serving.store.opening import Store, open_store
from serving.store.users import FIRST_FILE, check, first_admin
from tests.cli.conftest import Ran, Run
from tests.store.hashing import cheap_hashes
from triage.types import Department


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("TRIAGE_STATE", str(tmp_path / "state"))
    monkeypatch.delenv("TRIAGE_DATABASE", raising=False)
    with cheap_hashes():
        yield tmp_path / "state"


def opened(state: Path) -> Store:
    store = open_store(state)
    assert store is not None
    return store


def rows(ran: Ran) -> list[dict[str, Any]]:
    assert ran.code == 0, ran.err
    found: list[dict[str, Any]] = json.loads(ran.out)
    return found


def test_a_key_is_shown_once_and_works(run: Run, state: Path) -> None:
    made = run("keys", "add", "intake", "--scope", "classify", "--scope", "review",
               "--per-minute", "60", "--expires", "90d")  # fmt: skip
    assert made.code == 0
    key = made.out.decode().strip()
    assert "Authorization: Bearer" in made.err
    assert key not in made.err
    store = opened(state)
    with store.database.read() as connection:
        (found,) = valid(connection, datetime.now(UTC))
    assert found.hash == digest(key)
    store.close()
    listed = run("keys", "list")
    assert key not in listed.out.decode()
    (row,) = rows(listed)
    assert (row["scopes"], row["per_minute"], row["valid"]) == ("classify review", 60, True)
    assert run("keys", "revoke", "intake").code == 0
    (row,) = rows(run("keys", "list"))
    assert row["revoked"]
    assert not row["valid"]
    assert run("keys", "revoke", "intake").code == 2
    again = run("keys", "add", "intake", "--scope", "classify")
    assert (again.code, again.err[:10]) == (2, "duplicate:")


@pytest.mark.usefixtures("state")
def test_the_last_day_of_a_key_is_a_whole_one(run: Run) -> None:
    run("keys", "add", "intake", "--scope", "export", "--expires", "2127-06-30")
    (row,) = rows(run("keys", "list"))
    assert datetime.fromisoformat(row["expires"]) == datetime(2127, 6, 30, 16, tzinfo=UTC)


@pytest.mark.parametrize(
    ("argv", "word"),
    [
        (["--scope", "statistics"], "classify, review, export, admin"),
        (["--scope", "everything"], "classify, review, export, admin"),
        ([], "classify, review, export, admin"),
        (["--scope", "admin", "--expires", "2020-01-01"], "future"),
        (["--scope", "admin", "--expires", "-3d"], "future"),
        (["--scope", "admin", "--expires", "soon"], "2027-06-30"),
        (["--scope", "admin", "--expires", "99999999999d"], "2027-06-30"),
        (["--scope", "admin", "--per-minute", "0"], "per-minute"),
    ],
)
@pytest.mark.usefixtures("state")
def test_keys_that_cannot_be(run: Run, argv: list[str], word: str) -> None:
    ran = run("keys", "add", "intake", *argv)
    assert (ran.code, ran.out) == (2, b"")
    assert word in " ".join(ran.err.split())


def test_a_person_comes_and_goes(run: Run, state: Path) -> None:
    made = run("users", "add", "li", "--role", "reviewer", "--department", "civil",
               "--department", "complaints", "--shown", "李明")  # fmt: skip
    first = made.out.decode().strip()
    now = datetime.now(UTC)
    store = opened(state)
    user = check(store, "li", first, now)
    assert user is not None
    assert (user.role, user.shown, user.must_change) == (Role.REVIEWER, "李明", True)
    assert set(user.departments) == {Department.CIVIL, Department.COMPLAINTS}
    second = run("users", "reset", "li").out.decode().strip()
    assert check(store, "li", first, now) is None
    assert check(store, "li", second, now) is not None
    run("users", "deactivate", "li")
    assert check(store, "li", second, now) is None
    (row,) = rows(run("users", "list"))
    assert (row["name"], row["active"]) == ("li", False)
    run("users", "activate", "li")
    assert check(store, "li", second, now) is not None
    store.close()


@pytest.mark.usefixtures("state")
def test_people_that_cannot_be(run: Run) -> None:
    for argv, word in (
        (["li", "--role", "reviewer"], "department"),
        (["li", "--role", "boss"], "reviewer, lead, scientist, admin"),
        (["li", "--role", "reviewer", "--department", "traffic"], "civil"),
        (["li wei", "--role", "lead"], "a name has"),
    ):
        ran = run("users", "add", *argv)
        assert (ran.code, ran.out) == (2, b""), argv
        assert word in " ".join(ran.err.split())
    for action in ("reset", "deactivate", "activate"):
        assert run("users", action, "nobody").err.startswith("not_found:")


def test_the_admin_who_forgot_the_first_password(run: Run, state: Path) -> None:
    store = opened(state)
    assert first_admin(store)
    refused = run("users", "deactivate", "admin")
    assert refused.code == 2
    assert "last admin" in refused.err
    password = run("users", "reset", "admin").out.decode().strip()
    assert not (state / FIRST_FILE).exists(), "it opens nothing any more"
    assert check(store, "admin", password, datetime.now(UTC)) is not None
    store.close()


def test_the_chain_against_a_receipt(run: Run, state: Path) -> None:
    run("keys", "add", "one", "--scope", "classify")
    run("keys", "add", "two", "--scope", "classify")
    noted = run("audit", "verify")
    receipt = noted.out.decode().strip()
    assert (noted.code, receipt[:2], len(receipt)) == (0, "2:", 66)
    run("keys", "revoke", "one")
    assert run("audit", "verify", "--receipt", receipt).out.startswith(b"3:")
    wrong = run("audit", "verify", "--receipt", "1:" + receipt[2:])
    assert (wrong.code, wrong.out) == (1, b"")
    assert "record 1" in wrong.err
    ahead = run("audit", "verify", "--receipt", "9:" + receipt[2:])
    assert ahead.code == 1
    assert "after 3 are missing" in ahead.err
    for nonsense in ("x", "2", "2:xyz", "2:00:00"):
        assert run("audit", "verify", "--receipt", nonsense).code == 2
    # Whoever cuts the end off and sets the head back leaves a chain that is whole in itself.
    last = run("audit", "verify").out.decode().strip()
    with sqlite3.connect(state / "triage.db") as database:
        database.execute("DELETE FROM audit WHERE seq = 3")
        mac = bytes.fromhex(receipt[2:])
        database.execute("UPDATE audit_head SET seq = 2, mac = ?", (mac,))
    database.close()
    assert run("audit", "verify").code == 0
    cut = run("audit", "verify", "--receipt", last)
    assert cut.code == 1
    assert "after 2 are missing" in cut.err


def test_a_record_that_was_changed(run: Run, state: Path) -> None:
    run("keys", "add", "one", "--scope", "classify")
    with sqlite3.connect(state / "triage.db") as database:
        database.execute("UPDATE audit SET actor = 'user:wang'")
    database.close()
    ran = run("audit", "verify")
    assert (ran.code, ran.out) == (1, b"")
    assert "record 1 is not as it was written" in ran.err


def test_no_store_to_look_at(run: Run, state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looked = run("audit", "verify")
    assert looked.code == 2
    assert "--state" in looked.err
    assert not state.exists(), "to look makes nothing"
    off = run("users", "list", "--database", "off")
    assert (off.code, "TRIAGE_DATABASE is off" in off.err) == (2, True)
    unreachable = run("users", "list", "--database", "postgresql://x:hush@127.0.0.1:1/x")
    assert unreachable.code == 2
    assert "hush" not in unreachable.err
    monkeypatch.setenv("TRIAGE_PORT", "none")
    wrong = run("users", "list")
    assert wrong.code == 2
    assert "TRIAGE_PORT" in wrong.err


@pytest.mark.usefixtures("state")
def test_another_folder(run: Run, tmp_path: Path) -> None:
    there = str(tmp_path / "other")
    run("keys", "add", "one", "--scope", "admin", "--sees-personal", "--state", there)
    (row,) = rows(run("keys", "list", "--state", there))
    assert row["sees_personal"]
    assert rows(run("keys", "list")) == []
    assert rows(run("keys", "list", "--database", f"sqlite:///{there}/triage.db"))
    assert timedelta() < datetime.now(UTC) - datetime.fromisoformat(row["created"])
