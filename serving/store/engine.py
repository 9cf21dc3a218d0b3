"""One way to the database, SQLite or PostgreSQL: short transactions that are on disk when they end.

SQLite: 3.7.0 to 3.51.2 can corrupt a write-ahead log while it is reset, so those keep a rollback
journal (https://sqlite.org/wal.html, "The WAL-Reset Bug"). A reader then holds writers up: nothing
may read for long in one transaction; what is long is read page by page.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine, Table, create_engine, event, make_url
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, NoSuchModuleError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from serving.store.errors import DuplicateError, StoreError

_BUSY_SECONDS: Final = 15
_SAFE_WAL: Final = (3, 51, 3)
_READ: Final = {
    "sqlite": "BEGIN",
    # Otherwise each statement would see what was committed before it, and not before the first.
    "postgresql": "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY",
}


def journal_mode(version: tuple[int, ...] = sqlite3.sqlite_version_info) -> str:
    """`wal` where this SQLite may be trusted with it, else `persist` (a rollback journal)."""
    return "wal" if version >= _SAFE_WAL else "persist"


def _engine(url: str) -> Engine:
    try:
        parsed = make_url(url)
        if parsed.drivername in ("postgresql", "postgres"):
            parsed = parsed.set(drivername="postgresql+psycopg")
        if parsed.drivername not in ("sqlite", "postgresql+psycopg"):
            raise StoreError("the database must be sqlite:///FILE or postgresql://…")
        if parsed.drivername == "sqlite":
            if not parsed.database or parsed.database == ":memory:":
                raise StoreError("the database needs a file: sqlite:///path/to/triage.db")
            _own_file(Path(parsed.database))
            return create_engine(parsed, connect_args={"timeout": _BUSY_SECONDS})
        return create_engine(parsed, pool_pre_ping=True, pool_size=10, max_overflow=10)
    except (ArgumentError, NoSuchModuleError, OSError) as error:
        raise StoreError(f"the database cannot be used: {type(error).__name__}") from None


def _own_file(path: Path) -> None:
    """Make the file, which others may not read; SQLite gives its journal the same rights."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))


class Database:
    """Connections to one database. Threads may share it.

    Raises:
        StoreError: the URL is none that the service knows.
    """

    def __init__(self, url: str) -> None:
        self.engine = _engine(url)
        self.is_sqlite = self.engine.dialect.name == "sqlite"
        # SQLite has one writer at a time and lets the others poll; in one process they queue here.
        self._writing = threading.Lock() if self.is_sqlite else contextlib.nullcontext()
        event.listen(self.engine, "connect", _sqlite if self.is_sqlite else _postgresql)

    @contextlib.contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that may write. It is on disk when the block ends, or undone by an error.

        Raises:
            DuplicateError: a row was there already; nothing was written.
            StoreError: the database cannot be used now; nothing was written.
        """
        with self._writing, _told():
            begin = "BEGIN IMMEDIATE" if self.is_sqlite else ""
            with self._transaction(begin) as connection:
                yield connection

    @contextlib.contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that only reads and sees one state; keep it short.

        Raises:
            StoreError: the database cannot be used now.
        """
        with _told(), self._transaction(_READ[self.engine.dialect.name]) as connection:
            yield connection

    def outside(self, *statements: str) -> None:
        """Run what no transaction may hold, such as `VACUUM`.

        Raises:
            StoreError: the database cannot do it now, for example because it is in use.
        """
        # SQLite's connections are in autocommit as they are, and must stay so in the pool.
        options = {} if self.is_sqlite else {"isolation_level": "AUTOCOMMIT"}
        with self._writing, _told(), self.engine.connect() as connection:
            plain = connection.execution_options(**options)
            for statement in statements:
                plain.exec_driver_sql(statement)

    @contextlib.contextmanager
    def _transaction(self, begin: str) -> Iterator[Connection]:
        with self.engine.connect() as connection:
            if begin:
                connection.exec_driver_sql(begin)
            try:
                yield connection
            except BaseException:
                self._end(connection, "ROLLBACK")
                raise
            self._end(connection, "COMMIT")

    def _end(self, connection: Connection, verb: str) -> None:
        # SQLite's driver is in its autocommit mode: it would begin transactions of its own kind.
        if self.is_sqlite:
            connection.exec_driver_sql(verb)
        if verb == "COMMIT":
            connection.commit()
        else:
            connection.rollback()

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def insert_or(connection: Connection, table: Table) -> postgresql.Insert | sqlite.Insert:
    """An insert that can say what is to happen where the row is there: `on_conflict_…`."""
    if connection.dialect.name == "postgresql":
        return postgresql.insert(table)
    return sqlite.insert(table)


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """What a driver says may quote values: only the kind of its error goes on."""
    try:
        yield
    except IntegrityError:
        raise DuplicateError("it is there already") from None
    except DBAPIError as error:
        raise StoreError(f"the database failed: {type(error.orig).__name__}") from None
    except PoolTimeoutError:
        raise StoreError("the database is busy: no connection is free") from None


def _sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None
    connection.execute(f"PRAGMA journal_mode={journal_mode()}")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute("PRAGMA cache_size=-65536")
    connection.execute("PRAGMA temp_store=MEMORY")


def _postgresql(connection: Any, _record: object) -> None:
    # The server's default is made for turning disks, and has it read a whole table for one word.
    connection.execute("SET random_page_cost = 1.1")
    # A plan that is right for a rare word takes seconds for a frequent one.
    connection.execute("SET plan_cache_mode = force_custom_plan")
    connection.commit()
