"""Which replies and results are promised until when, and have not gone out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from sqlalchemy import Column, ColumnElement, Connection, func, select, tuple_

from serving.store.actors import Actor
from serving.store.cursors import decode, encode
from serving.store.queue import MOST_COUNTED, Page
from serving.store.rows import rows
from serving.store.tables import PROMISED, as_indexed, items
from serving.store.visibility import visible


class Kind(StrEnum):
    """What is promised: that every letter gets a reply, and later a result."""

    REPLY = "reply"
    RESULT = "result"


_ON: Final = {Kind.REPLY: items.c.due_on, Kind.RESULT: items.c.result_due_on}


@dataclass(frozen=True, slots=True)
class Promised:
    """What is open, by its last day."""

    replies: dict[date, int]
    results: dict[date, int]


def by_day(connection: Connection, actor: Actor, since: date, until: date) -> Promised:
    """How many replies and results are due on each day from `since` to before `until`."""
    return Promised(*(dict(_counted(connection, actor, kind, since, until)) for kind in Kind))


def due(
    connection: Connection,
    actor: Actor,
    kind: Kind,
    since: date | None,
    until: date,
    limit: int,
    now: datetime,
    cursor: str | None = None,
) -> Page:
    """What is due from `since` (None: and all that is overdue) to before `until`, by last day.

    Raises:
        CursorError: the cursor is none of this kind.
    """
    day = _ON[kind]
    wanted = _open(actor, kind, since, until)
    key = (day, items.c.message_id)
    query = select(*key).where(*wanted).order_by(*key).limit(limit + 1)
    if cursor:
        after = decode(kind, (date, int), cursor)
        query = query.where(tuple_(*key) > tuple_(*after, types=[each.type for each in key]))
    found = [tuple(row) for row in connection.execute(query)]
    more = encode(kind, found[limit - 1]) if len(found) > limit else None
    return Page(rows(connection, [number for _, number in found[:limit]], now), more)


def overdue(connection: Connection, actor: Actor, kind: Kind, today: date) -> int:
    """How many should have gone out before today; 10,000 stands for that many or more."""
    wanted = _open(actor, kind, None, today)
    few = select(items.c.message_id).where(*wanted).limit(MOST_COUNTED).subquery()
    return connection.scalar(select(func.count()).select_from(few)) or 0


def _counted(
    connection: Connection, actor: Actor, kind: Kind, since: date, until: date
) -> list[tuple[date, int]]:
    day: Column[date] = _ON[kind]
    query = select(day, func.count()).where(*_open(actor, kind, since, until)).group_by(day)
    return [(found, number) for found, number in connection.execute(query)]


def _open(actor: Actor, kind: Kind, since: date | None, until: date) -> list[ColumnElement[bool]]:
    day = _ON[kind]
    found = [visible(actor), as_indexed(PROMISED[day.name]), day < until]
    return found if since is None else [*found, day >= since]
