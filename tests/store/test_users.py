"""People: wrong passwords lock, the last admin stays, sessions end when they should."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlalchemy import select

from serving.store import passwords, users
from serving.store.actors import COMMAND, Permission, Role
from serving.store.errors import DuplicateError, NotFoundError
from serving.store.opening import Store
from serving.store.passwords import BusyError, PasswordError, hashed, matches
from serving.store.tables import audit
from tests.store.accounts import HASH, NOW, RIGHT, add, change, log_in, session, whose
from tests.store.racing import at_once
from triage.labels import DEPARTMENTS
from triage.types import Department

pytestmark = pytest.mark.usefixtures("cheap_passwords")

REAL = passwords._hasher


def records(store: Store) -> list[tuple[str, str, str]]:
    with store.database.read() as connection:
        found = connection.execute(
            select(audit.c.actor, audit.c.action, audit.c.object).order_by(audit.c.seq)
        )
        return [(row.actor, row.action, row.object) for row in found]


def test_who_is_added_may_log_in(store: Store) -> None:
    add(store)
    user = users.check(store, "li", RIGHT, NOW)
    assert user is not None
    assert (user.role, user.departments, user.must_change) == (Role.REVIEWER, ("civil",), True)
    assert user.actor.name == "user:li"
    assert user.actor.departments == {Department.CIVIL}
    assert not log_in(store, RIGHT + "x")
    assert not log_in(store, "")
    assert records(store) == [
        ("cli", "user_add", "user:li"),
        ("user:li", "login", "user:li"),
        ("user:li", "login_failed", "user:li"),
        ("user:li", "login_failed", "user:li"),
    ]


def test_the_password_is_kept_as_a_hash_that_costs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "_hasher", REAL)
    kept = hashed(RIGHT)
    assert kept.startswith("$argon2id$v=19$m=65536,t=3,")
    assert kept != hashed(RIGHT)
    assert matches(RIGHT, kept)


def test_a_name_that_is_none_is_not_kept(store: Store) -> None:
    names = ("nobody", "li\x00", "", "x" * 1_000, "密码 不是 名字")
    for name in names:
        assert not log_in(store, name=name)
    assert records(store) == [("user:(unknown)", "login_failed", "user:(unknown)")] * len(names)


def test_five_wrong_passwords_lock_for_fifteen_minutes(store: Store) -> None:
    add(store)
    for _ in range(users.FAILURES):
        assert not log_in(store, "wrong")
    assert not log_in(store, now=NOW)
    assert not log_in(store, now=NOW + users.LOCKED - timedelta(seconds=1))
    assert log_in(store, now=NOW + users.LOCKED)
    assert log_in(store)  # the lock is gone, and with it the count


def test_a_right_password_begins_the_count_again(store: Store) -> None:
    add(store)
    for _ in range(3):
        for _ in range(users.FAILURES - 1):
            assert not log_in(store, "wrong")
        assert log_in(store)


def test_guesses_at_one_moment_are_all_counted(store: Store) -> None:
    add(store)
    at_once(lambda guess: log_in(store, guess), ["wrong"] * 5)
    assert not log_in(store)


def test_nobody_takes_as_long_as_somebody(monkeypatch: pytest.MonkeyPatch) -> None:
    dear = PasswordHash((Argon2Hasher(time_cost=2, memory_cost=16_384, parallelism=1),))
    monkeypatch.setattr(passwords, "_hasher", lambda: dear)
    kept = hashed(RIGHT)

    def takes(given: str | None) -> float:
        began = time.perf_counter()
        assert not matches("wrong", given)
        return time.perf_counter() - began

    takes(None)  # what is made once
    somebody, nobody = (min(takes(given) for _ in range(5)) for given in (kept, None))
    assert nobody > somebody / 2


def test_who_left_cannot_log_in(store: Store) -> None:
    token = session(store, add(store))
    change(store, "li", active=False)
    assert not log_in(store)
    assert whose(store, token) is None
    change(store, "li", active=True)
    assert whose(store, token) is None
    assert log_in(store)


def test_a_change_ends_the_sessions(store: Store) -> None:
    number, other = add(store), session(store, add(store, "wang"))
    changes: list[Callable[[], None]] = [
        lambda: change(store, "li", departments=[Department.COMPLAINTS]),
        lambda: change(store, "li", role=Role.LEAD),
        lambda: give_password(store, "li"),
    ]
    for done in changes:
        mine = session(store, number)
        assert whose(store, mine) == "li"
        done()
        assert whose(store, mine) is None
    assert whose(store, other) == "wang"


def give_password(store: Store, name: str, new: str = "另一个虚构的口令-二") -> None:
    with store.database.write() as connection:
        users.set_password(connection, store.audit, COMMAND, name, hashed(new), must_change=False)


def test_a_new_password_ends_a_lock(store: Store) -> None:
    add(store)
    for _ in range(users.FAILURES):
        log_in(store, "wrong")
    give_password(store, "li", "另一个虚构的口令-三")
    assert not log_in(store)
    assert log_in(store, "另一个虚构的口令-三")
    with store.database.read() as connection:
        assert not users.by_name(connection, "li").must_change


def test_the_last_admin_stays(store: Store) -> None:
    add(store, "admin", Role.ADMIN)
    for given in ({"active": False}, {"role": Role.LEAD}):
        with pytest.raises(ValueError, match="last admin"):
            change(store, "admin", **given)
    add(store, "second", Role.ADMIN)
    change(store, "second", active=False)
    with pytest.raises(ValueError, match="last admin"):
        change(store, "admin", active=False)
    change(store, "second", active=True)
    change(store, "admin", role=Role.LEAD)


def test_two_admins_cannot_remove_each_other(store: Store) -> None:
    for name in ("one", "two"):
        add(store, name, Role.ADMIN)
    refused: list[ValueError] = []
    together = threading.Barrier(2)

    def remove(name: str) -> None:
        together.wait()
        try:
            change(store, name, active=False)
        except ValueError as error:
            refused.append(error)

    at_once(remove, ("one", "two"))
    assert len(refused) == 1


def test_what_cannot_be_added(store: Store) -> None:
    add(store)
    with store.database.write() as connection, pytest.raises(DuplicateError):
        users.create(connection, store.audit, COMMAND, "li", Role.LEAD, (), HASH)
    for name, role, own, shown in (
        ("li wei", Role.LEAD, (), ""),
        ("x" * 51, Role.LEAD, (), ""),
        ("wang", Role.REVIEWER, (), ""),
        ("wang", Role.LEAD, (), "王\x00"),
        ("wang", Role.LEAD, (), "王" * 65),
    ):
        with store.database.write() as connection, pytest.raises(ValueError):  # noqa: PT011
            users.create(connection, store.audit, COMMAND, name, role, own, HASH, shown=shown)
    with pytest.raises(ValueError, match="department"):
        change(store, "li", departments=[])
    with pytest.raises(NotFoundError):
        change(store, "nobody\x00", active=False)
    assert [record[1] for record in records(store)] == ["user_add"]


def test_only_reviewers_are_bound_to_departments(store: Store) -> None:
    add(store)
    change(store, "li", role=Role.LEAD)
    with store.database.read() as connection:
        actor = users.by_name(connection, "li").actor
    assert actor.departments == set(DEPARTMENTS)
    assert actor.permissions == {Permission.REVIEW, Permission.STATISTICS}


def test_a_short_password_is_refused() -> None:
    with pytest.raises(PasswordError, match="10"):
        hashed("九个字不够长的呀")


def test_the_memory_has_room_for_few_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "_WAITING", threading.BoundedSemaphore(1))
    with passwords._turn(), pytest.raises(BusyError):
        matches(RIGHT, HASH)
    assert matches(RIGHT, HASH)
    assert not matches(RIGHT, None)
