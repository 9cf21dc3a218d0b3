"""Keys of programs: 256 random bits, shown once, of which the store keeps only the SHA-256.

A fast hash is enough: nobody guesses 256 bits.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, Row, insert, or_, select, update

from serving.store import actors
from serving.store.actors import SCOPES, Actor, Permission
from serving.store.audit import Audit
from serving.store.errors import DuplicateError, NotFoundError
from serving.store.tables import api_keys

PREFIX: Final = "triage_"
_NAME: Final = re.compile(r"[\w.@-]{1,50}")


@dataclass(frozen=True, slots=True)
class Key:
    """A key as it is kept. `per_minute` is None where there is no limit."""

    name: str
    hash: bytes
    scopes: tuple[Permission, ...]
    sees_personal: bool
    per_minute: int | None
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None

    @property
    def actor(self) -> Actor:
        """Who acts with it."""
        return actors.key(self.name, self.scopes, sees_personal=self.sees_personal)

    def is_valid(self, now: datetime) -> bool:
        """Whether it opens anything."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


def digest(key: str) -> bytes:
    """What is kept of a key."""
    return hashlib.sha256(key.encode()).digest()


def add(
    connection: Connection,
    audit: Audit,
    actor: Actor,
    name: str,
    scopes: Collection[Permission],
    *,
    now: datetime,
    expires_at: datetime | None = None,
    per_minute: int | None = None,
    sees_personal: bool = False,
) -> str:
    """Make a key; returns it, for the only time.

    Raises:
        DuplicateError: there is or was a key of that name.
        ValueError: a scope is none that a key may have, or there is none at all; the name, the
            limit or the expiry cannot be used.
    """
    if not _NAME.fullmatch(name):
        raise ValueError("a name has 1 to 50 letters, digits or . @ - _")
    if expires_at is not None and expires_at <= now:
        raise ValueError("the key must expire in the future")
    if per_minute is not None and per_minute < 1:
        raise ValueError("per_minute is 1 or more")
    if not scopes or not set(scopes) <= set(SCOPES):
        raise ValueError(f"give scopes out of {', '.join(SCOPES)}")
    if connection.scalar(select(api_keys.c.id).where(api_keys.c.name == name)):
        raise DuplicateError(f"there is or was a key named {name}; take another name")
    key = PREFIX + secrets.token_urlsafe(32)
    connection.execute(
        insert(api_keys).values(
            name=name,
            hash=digest(key),
            scopes=[scope.value for scope in SCOPES if scope in scopes],
            sees_personal=sees_personal,
            per_minute=per_minute,
            created_at=now,
            expires_at=expires_at,
        )
    )
    audit.append(
        connection,
        actor.name,
        "key_add",
        f"key:{name}",
        scopes=" ".join(scope.value for scope in SCOPES if scope in scopes),
        sees_personal=sees_personal,
        per_minute=per_minute,
        expires=expires_at.isoformat() if expires_at else None,
    )
    return key


def revoke(connection: Connection, audit: Audit, actor: Actor, name: str, now: datetime) -> None:
    """Let a key open nothing any more.

    Raises:
        NotFoundError: there is no key of that name that is not revoked yet.
    """
    known = api_keys.c.name == (name if _NAME.fullmatch(name) else "")
    done = connection.execute(
        update(api_keys).where(known, api_keys.c.revoked_at.is_(None)).values(revoked_at=now)
    )
    if not done.rowcount:
        raise NotFoundError(f"there is no key named {name} in use")
    audit.append(connection, actor.name, "key_revoke", f"key:{name}")


def all_keys(connection: Connection) -> list[Key]:
    """All keys, oldest first, those that open nothing any more too."""
    return [_key(row) for row in connection.execute(select(api_keys).order_by(api_keys.c.id))]


def valid(connection: Connection, now: datetime) -> list[Key]:
    """The keys that open something."""
    alive = or_(api_keys.c.expires_at.is_(None), api_keys.c.expires_at > now)
    rows = connection.execute(select(api_keys).where(api_keys.c.revoked_at.is_(None), alive))
    return [_key(row) for row in rows]


def was_made(connection: Connection) -> bool:
    """Whether there is or was any key."""
    return connection.scalar(select(api_keys.c.id).limit(1)) is not None


def _key(row: Row[tuple[object, ...]]) -> Key:
    return Key(
        row.name,
        bytes(row.hash),
        tuple(Permission(scope) for scope in row.scopes),
        row.sees_personal,
        row.per_minute,
        row.created_at,
        row.expires_at,
        row.revoked_at,
    )
