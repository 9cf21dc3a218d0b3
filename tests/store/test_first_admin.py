"""The first admin: made once, where there is none; the password is a file until it is changed."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from sqlalchemy import update

from serving.store import users
from serving.store.actors import COMMAND, Role
from serving.store.opening import Store
from serving.store.tables import users as people
from tests.store.accounts import NOW, add, log_in
from tests.store.racing import at_once

pytestmark = pytest.mark.usefixtures("cheap_passwords")


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

    at_once(lambda _: start(), range(3))
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
