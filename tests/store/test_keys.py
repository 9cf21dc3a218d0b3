"""Keys of programs: shown once, valid until they expire or are revoked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from serving.store import keys
from serving.store.actors import COMMAND, Permission
from serving.store.errors import DuplicateError, NotFoundError
from serving.store.keys import Key
from serving.store.opening import Store
from serving.store.tables import api_keys, audit
from triage.labels import DEPARTMENTS

NOW = datetime(2026, 11, 2, 1, 0, tzinfo=UTC)
DAY = timedelta(days=1)
ONE = (Permission.CLASSIFY,)


def add(store: Store, name: str = "intake", scopes: Any = ONE, **given: Any) -> str:
    with store.database.write() as connection:
        return keys.add(connection, store.audit, COMMAND, name, scopes, **({"now": NOW} | given))


def revoke(store: Store, name: str) -> None:
    with store.database.write() as connection:
        keys.revoke(connection, store.audit, COMMAND, name, NOW)


def valid(store: Store, now: datetime = NOW) -> list[str]:
    with store.database.read() as connection:
        found = keys.valid(connection, now)
    assert all(key.is_valid(now) for key in found)
    return [key.name for key in found]


def all_keys(store: Store) -> list[Key]:
    with store.database.read() as connection:
        return keys.all_keys(connection)


def test_a_key_is_shown_once(store: Store) -> None:
    made = {add(store, f"intake-{number}") for number in range(5)}
    assert len(made) == 5
    assert all(len(key) == len(keys.PREFIX) + 43 for key in made)  # 32 bytes in Base64
    with store.database.read() as connection:
        rows = connection.execute(select(api_keys)).all()
        told = connection.execute(select(audit)).all()
    assert {bytes(row.hash) for row in rows} == {keys.digest(key) for key in made}
    shown = repr(rows) + repr(told)
    assert not any(key in shown or key.removeprefix(keys.PREFIX) in shown for key in made)


def test_a_key_says_what_it_opens(store: Store) -> None:
    scopes = (Permission.EXPORT, Permission.REVIEW)
    add(store, scopes=scopes, per_minute=60, sees_personal=True, expires_at=NOW + DAY)
    (key,) = all_keys(store)
    assert set(key.scopes) == set(scopes)
    assert (key.per_minute, key.expires_at, key.revoked_at) == (60, NOW + DAY, None)
    assert key.actor.name == "key:intake"
    assert key.actor.permissions == set(scopes)
    assert key.actor.departments == set(DEPARTMENTS)
    assert key.actor.sees_personal


def test_a_key_expires(store: Store) -> None:
    add(store, expires_at=NOW + DAY)
    add(store, "forever")
    assert valid(store) == ["intake", "forever"]
    assert valid(store, NOW + DAY - timedelta(seconds=1)) == ["intake", "forever"]
    assert valid(store, NOW + DAY) == ["forever"]


def test_a_revoked_key_stays_known(store: Store) -> None:
    add(store)
    with store.database.read() as connection:
        assert keys.was_made(connection)
    revoke(store, "intake")
    assert valid(store) == []
    assert [key.revoked_at for key in all_keys(store)] == [NOW]
    with store.database.read() as connection:
        assert keys.was_made(connection)
    for name in ("intake", "nobody", "nul\x00"):
        with pytest.raises(NotFoundError):
            revoke(store, name)
    # What the record says about a name must not change its meaning.
    with pytest.raises(DuplicateError, match="another name"):
        add(store)


def test_no_key_was_made(store: Store) -> None:
    with store.database.read() as connection:
        assert not keys.was_made(connection)


def test_what_is_on_record(store: Store) -> None:
    add(store, per_minute=5)
    revoke(store, "intake")
    with store.database.read() as connection:
        rows = connection.execute(select(audit).order_by(audit.c.seq)).all()
    assert [(row.actor, row.action, row.object) for row in rows] == [
        ("cli", "key_add", "key:intake"),
        ("cli", "key_revoke", "key:intake"),
    ]
    assert '"per_minute": 5' in rows[0].detail


def test_what_is_no_key(store: Store) -> None:
    wrong: list[dict[str, Any]] = [
        {"scopes": ()},
        {"scopes": (Permission.CLASSIFY, Permission.STATISTICS)},
        {"name": "no name"},
        {"name": "x" * 51},
        {"name": ""},
        {"expires_at": NOW},
        {"expires_at": NOW - DAY},
        {"per_minute": 0},
    ]
    for given in wrong:
        with pytest.raises(ValueError, match=r"."):
            add(store, **given)
    assert all_keys(store) == []
    with store.database.read() as connection:
        assert connection.execute(select(audit)).all() == []
