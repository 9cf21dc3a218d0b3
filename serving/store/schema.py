"""Bring a database to the newest state of its tables.

`python -m serving.store.schema "what changes"` writes the next step from a change of `tables.py`.
"""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from sqlalchemy import Connection, inspect, text

from serving.store.engine import Database
from serving.store.errors import StoreError

if TYPE_CHECKING:
    from alembic.config import Config

HEAD: Final = "0001"
"""The newest step; a test holds it to the files."""

_VERSIONS: Final = "alembic_version"
_LOCK: Final = 7_203_514


def is_ours(name: str | None, kind: str, _parents: object) -> bool:
    """Whether Alembic should look at it: not the tables that full-text search makes by itself."""
    return not (kind == "table" and name is not None and name.startswith("search"))


def configuration(connection: Connection) -> Config:
    """What Alembic needs to know."""
    # It takes longer to import than all else, and a database that is up to date needs none of it.
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config


def revision(connection: Connection) -> str | None:
    """The step that the database is at; None where it is empty."""
    if not inspect(connection).has_table(_VERSIONS):
        return None
    found: str | None = connection.scalar(text(f"SELECT version_num FROM {_VERSIONS}"))  # noqa: S608
    return found


def upgrade(database: Database) -> None:
    """Take every step that is missing, in one transaction; several services may try at once.

    Raises:
        StoreError: the database is newer than this program, or cannot be changed.
    """
    with database.read() as connection:
        if revision(connection) == HEAD:
            return
    from alembic import command
    from alembic.util import CommandError

    with database.write() as connection:
        if not database.is_sqlite:
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        try:
            command.upgrade(configuration(connection), "head")
        except CommandError:
            found = revision(connection)
            raise StoreError(
                f"the database is at step {found}, which this version does not know; "
                "install the version that wrote it, or a newer one"
            ) from None


def _next_step(message: str) -> None:
    from alembic import command

    with TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{folder}/now.db")
        upgrade(database)
        with database.write() as connection:
            config = configuration(connection)
            command.revision(config, message, autogenerate=True, rev_id=f"{int(HEAD) + 1:04}")


if __name__ == "__main__":
    _next_step(sys.argv[1])
