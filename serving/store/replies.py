"""That a letter was replied to (within 7 days), and what came of it was told (in 3 months)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, update

from serving.store.actors import Actor
from serving.store.audit import Audit
from serving.store.items import lock_one
from serving.store.tables import items


def mark_replied(
    connection: Connection, audit: Audit, actor: Actor, message_id: int, now: datetime
) -> datetime:
    """The reply went out: when it first did.

    Raises:
        NotFoundError: no such message for this actor.
    """
    return _mark(connection, audit, actor, message_id, now, "replied")


def mark_answered(
    connection: Connection, audit: Audit, actor: Actor, message_id: int, now: datetime
) -> datetime:
    """The result was told: when it first was. It counts as the reply where there was none.

    Raises:
        NotFoundError: no such message for this actor.
    """
    at = _mark(connection, audit, actor, message_id, now, "answered")
    unreplied = update(items).where(items.c.message_id == message_id, items.c.replied_at.is_(None))
    connection.execute(unreplied.values(replied_at=at))
    return at


def _mark(
    connection: Connection,
    audit: Audit,
    actor: Actor,
    message_id: int,
    now: datetime,
    kind: str,
) -> datetime:
    row = lock_one(connection, actor, message_id)
    column = f"{kind}_at"
    before: datetime | None = getattr(row, column)
    if before is not None:  # told twice, kept once
        return before
    changed = update(items).where(items.c.message_id == message_id)
    connection.execute(changed.values({column: now}))
    audit.append(connection, actor.name, kind, f"message:{message_id}")
    return now
