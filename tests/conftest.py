"""Every test of the store runs on a SQLite file and on a PostgreSQL of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from serving.store.audit import Audit
from serving.store.deadlines import Calendar
from serving.store.engine import Database
from serving.store.opening import Store
from serving.store.schema import upgrade
from tests.store.hashing import cheap_hashes
from tests.store.postgres import KINDS, fresh_url


@pytest.fixture(params=KINDS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database."""
    return fresh_url(request.param, tmp_path)


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    """A database with empty tables."""
    database = Database(url)
    upgrade(database)
    yield database
    database.close()


@pytest.fixture
def store(database: Database, tmp_path: Path) -> Store:
    """An empty store."""
    return Store(database, Audit(bytes(range(32))), Calendar(), tmp_path)


@pytest.fixture
def cheap_passwords() -> Iterator[None]:
    """Passwords are hashed at next to no cost."""
    with cheap_hashes():
        yield
