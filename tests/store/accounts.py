"""Invented people with passwords, and what is asked of them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from serving.store import sessions, users
from serving.store.actors import COMMAND, Role
from serving.store.opening import Store
from tests.store.hashing import CHEAP
from triage.types import Department

RIGHT = "虚构的口令-只作测试"
HASH = CHEAP.hash(RIGHT)
NOW = datetime(2026, 11, 2, 1, 0, tzinfo=UTC)


def add(store: Store, name: str = "li", role: Role = Role.REVIEWER) -> int:
    own = [Department.CIVIL] if role is Role.REVIEWER else []
    with store.database.write() as connection:
        return users.create(connection, store.audit, COMMAND, name, role, own, HASH)


def change(store: Store, name: str, **given: Any) -> None:
    with store.database.write() as connection:
        users.change(connection, store.audit, COMMAND, name, **given)


def log_in(store: Store, password: str = RIGHT, now: datetime = NOW, name: str = "li") -> bool:
    return users.check(store, name, password, now) is not None


def session(store: Store, number: int, now: datetime = NOW) -> str:
    with store.database.write() as connection:
        return sessions.start(connection, number, now)


def whose(store: Store, token: str, now: datetime = NOW) -> str | None:
    with store.database.read() as connection:
        found = sessions.find(connection, token, now)
    return found and found[0].name
