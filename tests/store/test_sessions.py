"""Sessions end when they should, and nothing that is kept opens one."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from serving.store import sessions
from serving.store.opening import Store
from serving.store.tables import sessions as kept
from tests.store.accounts import NOW, add, session, whose

pytestmark = pytest.mark.usefixtures("cheap_passwords")

MINUTE = timedelta(minutes=1)


def test_a_session_ends_when_it_is_idle(store: Store) -> None:
    token = session(store, add(store))
    assert whose(store, token, NOW + sessions.IDLE - MINUTE) == "li"
    assert whose(store, token, NOW + sessions.IDLE) is None
    with store.database.write() as connection:
        sessions.touch(connection, token, NOW + 7 * 60 * MINUTE)
    assert whose(store, token, NOW + 14 * 60 * MINUTE) == "li"


def test_a_session_ends_after_a_day(store: Store) -> None:
    token = session(store, add(store))
    last = NOW + sessions.LONGEST
    with store.database.write() as connection:
        sessions.touch(connection, token, last - MINUTE)
    assert whose(store, token, last - MINUTE) == "li"
    assert whose(store, token, last) is None
    session(store, add(store, "wang"), last)
    with store.database.read() as connection:
        assert connection.scalar(select(func.count()).select_from(kept)) == 1


def test_use_is_noted_now_and_then(store: Store) -> None:
    token = session(store, add(store))
    with store.database.read() as connection:
        stale = [
            found[1]
            for minutes in (0, 4, 6)
            if (found := sessions.find(connection, token, NOW + minutes * MINUTE))
        ]
    assert stale == [False, False, True]


def test_a_session_that_ended(store: Store) -> None:
    number = add(store)
    one, other = session(store, number), session(store, number)
    with store.database.write() as connection:
        sessions.end(connection, one)
    assert (whose(store, one), whose(store, other)) == (None, "li")
    assert whose(store, "") is None
    with store.database.write() as connection:
        sessions.end_all(connection, number)
    assert whose(store, other) is None


def test_tokens_are_random_and_are_not_kept(store: Store) -> None:
    number = add(store)
    tokens = {session(store, number) for _ in range(20)}
    assert len(tokens) == 20
    assert all(len(token) == 43 for token in tokens)  # 32 bytes in Base64
    with store.database.read() as connection:
        hashes = {bytes(each) for each in connection.scalars(select(kept.c.hash))}
    assert all(token.encode() not in hashes for token in tokens)
    assert all(len(each) == 32 for each in hashes)
