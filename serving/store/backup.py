"""Backup and restore, while the service runs. A copy counts only after it has been checked.

Of a SQLite database the backup is a SQLite file, checked by `PRAGMA integrity_check` and by walking
the audit chain in the copy. Of a PostgreSQL database it is `pg_dump`'s archive of one snapshot; the
chain is walked in that snapshot. The key of the chain is not in it: keep it elsewhere.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, NullPool, create_engine, delete, func, inspect, select, text
from sqlalchemy.exc import DBAPIError

from serving.store import pgtools, schema
from serving.store.actors import Actor
from serving.store.audit import Audit
from serving.store.engine import Database
from serving.store.errors import StoreError
from serving.store.opening import Store
from serving.store.tables import corrections, messages, sessions, users
from triage.host import flush

_SQLITE: Final = b"SQLite format 3\0"
_ARCHIVE: Final = b"PGDMP"
_DAMAGE: Final = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


@dataclass(frozen=True, slots=True)
class Checked:
    """What a backup holds: it is whole. `records` of the audit chain, the last with this MAC."""

    messages: int
    corrections: int
    records: int
    mac: str


def backup(store: Store, actor: Actor, out: Path) -> Checked:
    """Write a checked backup; the file is there when all of it is, readable by its owner alone.

    Raises:
        StoreError: the database, the copy or the audit chain is not whole, or a tool is missing.
        OSError: the file cannot be written.
    """
    part = out.with_name(f".{out.name}.{os.getpid()}.part")
    try:
        part.touch(mode=0o600, exist_ok=False)
        checked = _copied(store, part) if store.database.is_sqlite else _dumped(store, part)
        flush(part)
        part.replace(out)
    finally:
        part.unlink(missing_ok=True)
    with store.database.write() as connection:
        told = {"messages": checked.messages, "records": checked.records}
        store.audit.append(connection, actor.name, "backup", out.name[:192], **told)
    return checked


def restore(
    database: Database, audit: Audit, actor: Actor, source: Path, *, force: bool = False
) -> Checked:
    """Bring a backup back into an empty database; with `force` it takes the place of what is there.

    Everybody has to log in again. What fails leaves the database as it was; but the audit chain of
    a PostgreSQL backup can be walked only once it is there.

    Raises:
        StoreError: the backup is of another kind or not whole, the database is not empty, the audit
            chain is not that of this key, or a tool is missing.
        OSError: the file cannot be read.
    """
    with source.open("rb") as file:
        head = file.read(len(_SQLITE))
    is_sqlite = head == _SQLITE
    if not is_sqlite and not head.startswith(_ARCHIVE):
        raise StoreError(f"{source.name} is no backup of `triage backup`")
    if is_sqlite != database.is_sqlite:
        kinds = ("SQLite", "PostgreSQL") if is_sqlite else ("PostgreSQL", "SQLite")
        raise StoreError(
            f"{source.name} is of a {kinds[0]} database, this is a {kinds[1]} database"
        )
    if not force and not _is_empty(database):
        raise StoreError(
            "the database is not empty; --force puts the backup in the place of what is there"
        )
    if is_sqlite:
        _checked_file(source, audit)
        _put_back(source, database)
    else:
        pgtools.restore(database, source)
        with database.read() as connection:
            check(connection, audit)
    schema.upgrade(database)
    with database.write() as connection:
        connection.execute(delete(sessions))
        audit.append(connection, actor.name, "restore", source.name[:192])
    with database.read() as connection:
        return check(connection, audit)


def check(connection: Connection, audit: Audit) -> Checked:
    """What is there, its audit chain walked.

    Raises:
        StoreError: the chain is not whole, or of another key.
    """
    found = audit.verify(connection)
    if found.fault:
        raise StoreError(f"the audit chain is not whole, or of another key: {found.fault}")
    count = select(func.count())
    return Checked(
        connection.scalar(count.select_from(messages)) or 0,
        connection.scalar(count.select_from(corrections)) or 0,
        found.records,
        found.mac,
    )


def _is_empty(database: Database) -> bool:
    try:
        with database.read() as connection:
            there = inspect(connection)
            return not any(
                there.has_table(table.name) and connection.scalar(select(table.c.id).limit(1))
                for table in (messages, users, corrections)
            )
    except StoreError as error:
        told = "--force puts the backup in its place, and keeps a damaged file beside it"
        raise StoreError(f"{error}; {told}") from None


def _copied(store: Store, part: Path) -> Checked:
    path = store.database.engine.url.database
    assert path
    with (
        _telling(),
        closing(_opened(Path(path), mode="rw")) as source,
        closing(_opened(part, mode="rw")) as target,
    ):
        # Nobody may write meanwhile: the copy goes to the disk afterwards, all at once.
        target.execute("PRAGMA synchronous=OFF")
        # In one go: a copy in steps begins anew whenever somebody writes, and may never end.
        source.backup(target)
        # A file of its own, without a log beside it.
        target.execute("PRAGMA journal_mode=DELETE")
    return _checked_file(part, store.audit)


def _checked_file(path: Path, audit: Audit) -> Checked:
    with _telling(), closing(_opened(path)) as plain:
        found = plain.execute("PRAGMA integrity_check(1)").fetchone()[0]
        if found != "ok":
            raise StoreError(f"{path.name} is damaged (PRAGMA integrity_check)")
    engine = create_engine("sqlite://", creator=lambda: _opened(path), poolclass=NullPool)
    with _telling(), engine.connect() as connection:
        if schema.revision(connection) is None:
            raise StoreError(f"{path.name} is no database of this service")
        return check(connection, audit)


def _put_back(source: Path, database: Database) -> None:
    assert database.engine.url.database
    path = Path(database.engine.url.database)
    database.close()
    with _telling():
        try:
            _fill(path, source)
        except sqlite3.DatabaseError as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF not in _DAMAGE:
                raise
            # SQLite cannot write into what it cannot read; it is kept for whoever wants to look.
            for name in (path.name, f"{path.name}-journal", f"{path.name}-wal", f"{path.name}-shm"):
                with contextlib.suppress(FileNotFoundError):
                    path.with_name(name).replace(path.with_name(f"{name}.damaged"))
            _fill(path, source)
    path.chmod(0o600)


def _fill(path: Path, source: Path) -> None:
    with closing(_opened(source)) as given, closing(_opened(path, mode="rwc")) as target:
        # One transaction of the target: it has all of the backup, or what it had.
        given.backup(target)


def _opened(path: Path, *, mode: str = "ro") -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode={mode}", timeout=30, uri=True)


@contextlib.contextmanager
def _telling() -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, DBAPIError) as error:
        kind = type(error.orig if isinstance(error, DBAPIError) else error).__name__
        raise StoreError(f"the database or its copy failed: {kind}") from None


def _dumped(store: Store, part: Path) -> Checked:
    engine = store.database.engine.execution_options(isolation_level="REPEATABLE READ")
    with _telling(), engine.connect() as connection:
        checked = check(connection, store.audit)
        name = str(connection.scalar(text("SELECT pg_export_snapshot()")))
        pgtools.dump(store.database, part, name)
    return checked
