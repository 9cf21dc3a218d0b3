"""Who has a message open: for five minutes, for others to see. A lease warns; it locks nothing."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, Connection, delete, or_, select, update

from serving.store.actors import Actor
from serving.store.engine import insert_or
from serving.store.errors import NotFoundError
from serving.store.tables import items, leases
from serving.store.visibility import visible

LEASE: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Lease:
    """Who has it open, and until when unless renewed."""

    message_id: int
    holder: str
    until: datetime


def take(connection: Connection, actor: Actor, message_id: int, now: datetime) -> Lease:
    """Open a message, or renew: the lease that holds now, which may be somebody else's.

    Who opens a message has looked at it, whoever holds the lease.

    Raises:
        NotFoundError: no such message for this actor.
    """
    there = select(items.c.message_id).where(items.c.message_id == message_id, visible(actor))
    if connection.scalar(there) is None:
        raise NotFoundError("there is no such message")
    mark_seen(connection, message_id, now)
    while True:
        taken = claim(connection, actor.name, message_id, now)
        held = taken or of(connection, [message_id], now).get(message_id)
        if held:  # else it was given back between the two
            return held


def claim(
    connection: Connection, holder: str, message_id: int, now: datetime, *, renew: bool = True
) -> Lease | None:
    """Lease it unless another has it (or, not renewing, anybody); None where it is not free."""
    new = insert_or(connection, leases).values(
        message_id=message_id, holder=holder, until=now + LEASE
    )
    free: ColumnElement[bool] = leases.c.until <= now
    if renew:
        free = or_(free, leases.c.holder == holder)
    statement = new.on_conflict_do_update(
        index_elements=[leases.c.message_id],
        set_={"holder": new.excluded.holder, "until": new.excluded.until},
        where=free,
    ).returning(leases.c.message_id)
    taken = connection.scalar(statement) is not None
    return Lease(message_id, holder, now + LEASE) if taken else None


def of(connection: Connection, numbers: Collection[int], now: datetime) -> dict[int, Lease]:
    """The leases of these messages that have not run out."""
    live = select(leases).where(leases.c.message_id.in_(numbers), leases.c.until > now)
    return {row.message_id: Lease(*row) for row in connection.execute(live)} if numbers else {}


def release(connection: Connection, actor: Actor, message_id: int) -> None:
    """Give it back; what is somebody else's stays theirs."""
    connection.execute(
        delete(leases).where(leases.c.message_id == message_id, leases.c.holder == actor.name)
    )


def mark_seen(connection: Connection, message_id: int, now: datetime) -> None:
    """Somebody looks at it; the first time is kept."""
    connection.execute(
        update(items)
        .where(items.c.message_id == message_id, items.c.first_seen_at.is_(None))
        .values(first_seen_at=now)
    )
