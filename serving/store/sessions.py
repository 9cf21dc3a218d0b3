"""Who is logged in: a random token in a cookie, of which the store keeps only the SHA-256."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, delete, insert, select, update

from serving.store import users as people
from serving.store.tables import sessions, users
from serving.store.users import User

IDLE: Final = timedelta(hours=8)
LONGEST: Final = timedelta(hours=24)
# How often it is noted that a session is in use: not at every request.
_NOTED: Final = timedelta(minutes=5)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def start(connection: Connection, user_id: int, now: datetime) -> str:
    """Begin a session; returns the token, which is kept nowhere else."""
    connection.execute(delete(sessions).where(sessions.c.expires_at <= now))
    token = secrets.token_urlsafe(32)
    connection.execute(
        insert(sessions).values(
            hash=_digest(token),
            user_id=user_id,
            created_at=now,
            seen_at=now,
            expires_at=now + LONGEST,
        )
    )
    return token


def find(connection: Connection, token: str, now: datetime) -> tuple[User, bool] | None:
    """Whose session it is, and whether `touch` should note that it is in use."""
    row = connection.execute(
        select(users, sessions.c.seen_at)
        .join(users, users.c.id == sessions.c.user_id)
        .where(
            sessions.c.hash == _digest(token),
            sessions.c.expires_at > now,
            sessions.c.seen_at > now - IDLE,
            users.c.active.is_(True),
        )
    ).one_or_none()
    return None if row is None else (people.user_of(row), row.seen_at < now - _NOTED)


def touch(connection: Connection, token: str, now: datetime) -> None:
    """Note that the session is in use."""
    mine = sessions.c.hash == _digest(token)
    connection.execute(update(sessions).where(mine).values(seen_at=now))


def end(connection: Connection, token: str) -> None:
    """End one session."""
    connection.execute(delete(sessions).where(sessions.c.hash == _digest(token)))


def end_all(connection: Connection, user_id: int) -> None:
    """End all sessions of a user."""
    connection.execute(delete(sessions).where(sessions.c.user_id == user_id))
