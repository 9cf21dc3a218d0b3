"""Everything that is needed to work with the store, opened in one place."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from serving.store import audit, schema
from serving.store.audit import Audit
from serving.store.deadlines import Calendar
from serving.store.engine import Database

OFF: Final = "off"


@dataclass(frozen=True, slots=True)
class Store:
    """The database, its audit chain and the calendar of deadlines."""

    database: Database
    audit: Audit
    calendar: Calendar
    state: Path

    def close(self) -> None:
        """Close all connections."""
        self.database.close()


def key_file(state: Path, given: Path | None) -> Path:
    """The file with the key of the audit chain: in the folder `state`, unless one is given."""
    return given or state / "audit.key"


def address(state: Path, given: str | None) -> str:
    """Where the database is: the SQLite file in the folder `state`, unless an address is given."""
    return given or f"sqlite:///{state.absolute() / 'triage.db'}"


def open_store(
    state: Path, *, url: str | None = None, key: Path | None = None, calendar: Path | None = None
) -> Store | None:
    """Open the store and bring its tables up to date; None where `url` is `off`.

    Without `url` it is the SQLite file `triage.db` in the folder `state`, where the audit key is
    also kept, unless `key` names another file.

    Raises:
        StoreError: database, key or calendar cannot be used; the error says why.
    """
    if url == OFF:
        return None
    days = Calendar.load(calendar)
    database = Database(address(state, url))
    try:
        schema.upgrade(database)
        chain = Audit(audit.load_key(key_file(state, key)))
    except BaseException:
        database.close()
        raise
    return Store(database, chain, days, state)
