"""The first admin: made once, where there is none; the password is a file until it is changed."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from serving.store import users
from serving.store.actors import COMMAND, Role
from serving.store.opening import Store
from serving.store.tables import users as people
from tests.store.hashing import CHEAP, cheap_hashes
from triage.types import Department

RIGHT = "虚构的口令-只作测试"
HASH = CHEAP.hash(RIGHT)
NOW = datetime(2026, 11, 2, 1, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _quick() -> Iterator[None]:
    with cheap_hashes():
        yield


def add(store: Store, name: str = "li", role: Role = Role.REVIEWER) -> int:
    own = [Department.CIVIL] if role is Role.REVIEWER else []
    with store.database.write() as connection:
        return users.create(connection, store.audit, COMMAND, name, role, own, HASH)


def change(store: Store, name: str, **given: Any) -> None:
    with store.database.write() as connection:
        users.change(connection, store.audit, COMMAND, name, **given)


def log_in(store: Store, password: str = RIGHT, now: datetime = NOW, name: str = "li") -> bool:
    return users.check(store, name, password, now) is not None


def test_the_first_admin(store: Store) -> None:
    path = users.first_admin(store)
    assert path == store.state / "first-admin-password"
    assert path.stat().st_mode & 0o777 == 0o600
    password = path.read_text().strip()
    assert len(password) >= 16
    user = users.check(store, "admin", password, NOW)
    assert user is not None
    assert (user.role, user.must_change) == (Role.ADMIN, True)
    assert users.first_admin(store) is None
    assert path.read_text().strip() == password
    users.forget_first(store, "li")
    assert path.exists()
    users.forget_first(store, "admin")
    assert not path.exists()


def test_services_that_start_at_once_make_one_admin(store: Store) -> None:
    made: list[Path | None] = []
    together = threading.Barrier(3)

    def start() -> None:
        together.wait()
        made.append(users.first_admin(store))

    services = [threading.Thread(target=start) for _ in range(3)]
    for service in services:
        service.start()
    for service in services:
        service.join()
    (path,) = {each for each in made if each}
    assert made.count(None) == 2
    assert log_in(store, path.read_text().strip(), name="admin")


def test_nobody_is_made_where_there_is_an_admin(store: Store) -> None:
    """Even one who has left: the command line helps there, not a new password in a file."""
    add(store, "guan", Role.ADMIN)
    with store.database.write() as connection:
        connection.execute(update(people).values(active=False))
    assert users.first_admin(store) is None
    assert not (store.state / users.FIRST_FILE).exists()


def test_other_people_do_not_stand_for_the_first_admin(store: Store) -> None:
    with store.database.write() as connection:
        users.create(connection, store.audit, COMMAND, "li", Role.LEAD, (), "!")
    assert users.first_admin(store) is not None
    assert users.first_admin(store) is None
