"""The steps make the very tables that the code knows, and newer databases are refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from serving.store.engine import Database, journal_mode
from serving.store.errors import StoreError
from serving.store.schema import HEAD, configuration, is_ours, revision, upgrade
from serving.store.tables import metadata
from tests.store.postgres import KINDS, fresh_url
from tests.store.racing import at_once


@pytest.fixture(params=KINDS)
def bare(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return fresh_url(request.param, tmp_path, bare=True)


def test_steps_and_tables_agree(bare: str) -> None:
    database = Database(bare)
    upgrade(database)
    with database.read() as connection:
        options = {"include_name": is_ours, "compare_server_default": True}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, metadata) == []
        steps = ScriptDirectory.from_config(configuration(connection))
        assert steps.get_current_head() == HEAD == revision(connection)
    upgrade(database)
    database.close()


def test_services_that_start_together_make_the_tables_once(bare: str) -> None:
    databases = [Database(bare) for _ in range(4)]
    at_once(upgrade, databases)
    for database in databases:
        with database.read() as connection:
            assert revision(connection) == HEAD
        database.close()


def test_a_newer_database_is_refused(bare: str) -> None:
    database = Database(bare)
    upgrade(database)
    with database.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreError, match="9999"):
        upgrade(database)
    database.close()


@pytest.mark.parametrize(
    ("version", "mode"),
    [((3, 40, 1), "persist"), ((3, 51, 2), "persist"), ((3, 51, 3), "wal"), ((4, 0, 0), "wal")],
)
def test_a_sqlite_that_can_corrupt_its_log_has_none(version: tuple[int, ...], mode: str) -> None:
    assert journal_mode(version) == mode


@pytest.mark.parametrize("url", ["sqlite://", "mysql://a/b", "nonsense", "sqlite:///:memory:"])
def test_other_addresses_are_refused_with_what_to_do(url: str) -> None:
    with pytest.raises(StoreError, match="database"):
        Database(url)
