"""Which replies and results are promised until when, and have not gone out.

Both are found through when messages came in: nothing is due much later than it is promised, so that
a month of due dates is a range of the index by time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final

from sqlalchemy import Column, ColumnElement, Connection, func, select

from serving.store.actors import Actor
from serving.store.deadlines import REPLY_DAYS, RESULT_MONTHS, midnight
from serving.store.queue import MOST_COUNTED
from serving.store.rows import Row, rows
from serving.store.tables import items
from serving.store.visibility import visible

_SLACK: Final = timedelta(days=31)
"""More than holidays may put off a last day."""
_OVERDUE: Final = timedelta(days=366)
"""How far back what is overdue is looked for."""


class Kind(StrEnum):
    """What is promised: that every letter gets a reply, and later a result."""

    REPLY = "reply"
    RESULT = "result"


_MONTH: Final = timedelta(days=31)
_ON: Final = {Kind.REPLY: items.c.due_on, Kind.RESULT: items.c.result_due_on}
_SENT: Final = {Kind.REPLY: items.c.replied_at, Kind.RESULT: items.c.answered_at}
_LATEST: Final = {
    Kind.REPLY: timedelta(days=REPLY_DAYS) + _SLACK,
    Kind.RESULT: RESULT_MONTHS * _MONTH + _SLACK,
}


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
) -> list[Row]:
    """What is due from `since` (None: overdue for up to a year) to before `until`, by last day."""
    day = _ON[kind]
    wanted = _open(actor, kind, since or until - _OVERDUE, until)
    query = select(items.c.message_id).where(*wanted).order_by(day, items.c.message_id)
    return rows(connection, list(connection.scalars(query.limit(limit))), now)


def overdue(connection: Connection, actor: Actor, kind: Kind, today: date) -> int:
    """How many should have gone out before today, in the last year; 10,000 is that many or more."""
    wanted = _open(actor, kind, today - _OVERDUE, today)
    few = select(items.c.message_id).where(*wanted).limit(MOST_COUNTED).subquery()
    return connection.scalar(select(func.count()).select_from(few)) or 0


def _counted(
    connection: Connection, actor: Actor, kind: Kind, since: date, until: date
) -> list[tuple[date, int]]:
    day: Column[date] = _ON[kind]
    query = select(day, func.count()).where(*_open(actor, kind, since, until)).group_by(day)
    return [(found, number) for found, number in connection.execute(query)]


def _open(actor: Actor, kind: Kind, since: date, until: date) -> list[ColumnElement[bool]]:
    day = _ON[kind]
    return [
        visible(actor),
        ~items.c.is_nothing,
        _SENT[kind].is_(None),
        day >= since,
        day < until,
        items.c.received_at >= midnight(since - _LATEST[kind]),
        items.c.received_at < midnight(until),
    ]
