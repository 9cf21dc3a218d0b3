"""PostgreSQL's own tools, `pg_dump` and `pg_restore`, as they are found on PATH.

What they say may quote rows, so none of it goes on: only which of a few known causes it was.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

from serving.store.engine import Database
from serving.store.errors import StoreError

# https://www.postgresql.org/docs/current/libpq-envars.html; others see a command's arguments.
_VARIABLES: Final = {
    "host": "PGHOST",
    "hostaddr": "PGHOSTADDR",
    "port": "PGPORT",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "dbname": "PGDATABASE",
    "passfile": "PGPASSFILE",
    "service": "PGSERVICE",
    "options": "PGOPTIONS",
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
    "sslcert": "PGSSLCERT",
    "sslkey": "PGSSLKEY",
    "gssencmode": "PGGSSENCMODE",
    "channel_binding": "PGCHANNELBINDING",
    "target_session_attrs": "PGTARGETSESSIONATTRS",
}
_CAUSES: Final = {
    "server version mismatch": "it is older than the server; install the server's version of it",
    "unsupported version": "it is older than the one that made the backup; install a newer one",
    "no password supplied": "it needs a password; put it into the database's address",
    "authentication failed": "the server does not accept the user or the password",
    "permission denied": "the database's user may not do this",
    "must be owner": "the database's user does not own the tables",
    "No space left": "there is no room left",
    "could not connect": "it cannot reach the server",
}


def dump(database: Database, out: Path, snapshot: str) -> None:
    """Write an archive of one exported snapshot.

    Raises:
        StoreError: `pg_dump` is missing or failed.
    """
    _run(database, "pg_dump", "--format=custom", "--no-owner", "--no-privileges",
         f"--snapshot={snapshot}", f"--file={out}")  # fmt: skip


def restore(database: Database, source: Path) -> None:
    """Put an archive in the place of what is there, in one transaction.

    Raises:
        StoreError: `pg_restore` is missing or failed; the database is as it was.
    """
    name = database.engine.url.database or ""
    how = ("--single-transaction", "--exit-on-error", "--clean", "--if-exists")
    _run(database, "pg_restore", *how, "--no-owner", "--no-privileges",
         f"--dbname={name}", str(source))  # fmt: skip


def _run(database: Database, tool: str, *arguments: str) -> None:
    path = shutil.which(tool)
    if path is None:
        raise StoreError(
            f"{tool} is not on PATH; install PostgreSQL's client programs, of the server's version"
        )
    done = subprocess.run(  # noqa: S603 - found on PATH, no shell
        [path, *arguments], env=_environment(database), stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False,
    )  # fmt: skip
    if done.returncode:
        said = done.stderr.decode(errors="replace")
        causes = (why for words, why in _CAUSES.items() if words in said)
        why = next(causes, "run it by hand to see why; what it says may quote messages")
        raise StoreError(f"{tool} failed with exit code {done.returncode}: {why}")


def _environment(database: Database) -> dict[str, str]:
    _, given = database.engine.dialect.create_connect_args(database.engine.url)
    named = {_VARIABLES[name]: str(given[name]) for name in _VARIABLES if given.get(name)}
    # Their messages in English, so that the causes above are found.
    return {**os.environ, **named, "LC_ALL": "C"}
