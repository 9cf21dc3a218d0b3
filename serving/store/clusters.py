"""Hot issues: what many people write about at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, case, func, select, tuple_

from serving.store import places
from serving.store.actors import Actor
from serving.store.cursors import decode, encode
from serving.store.errors import NotFoundError
from serving.store.queue import Page
from serving.store.rows import EXCERPT, rows
from serving.store.tables import items, messages
from serving.store.visibility import visible
from triage.types import Department

LEAST: Final = 3
"""Messages that make an issue."""
ACTIVE: Final = timedelta(days=30)
_WEEK: Final = timedelta(days=7)
_READ: Final = 8
_KIND: Final = "cluster"


@dataclass(frozen=True, slots=True)
class Hot:
    """An issue, of the messages that exist for the actor.

    `recent` came in the last seven days, `earlier` in the seven before; `open` wait for a person.
    `excerpt`, of the newest message, is not masked; None where all are purged.
    """

    cluster_id: int
    size: int
    recent: int
    earlier: int
    open: int
    first: datetime
    last: datetime
    places: tuple[str, ...]
    excerpt: str | None
    departments: dict[Department, int]

    @property
    def growth(self) -> int:
        """How many more came in the last seven days than in the seven before."""
        return self.recent - self.earlier


def hot(connection: Connection, actor: Actor, now: datetime, limit: int = 50) -> list[Hot]:
    """Matters of three messages or more, with one in the last 30 days: by growth, then by size."""
    active = (
        select(items.c.cluster_id, *_weeks(now))
        .where(
            items.c.received_at >= now - ACTIVE,
            items.c.received_at <= now,
            items.c.cluster_id.is_not(None),
            visible(actor),
        )
        .group_by(items.c.cluster_id)
        # A message alone began its cluster: most are, and need not be counted again.
        .having((func.count() > 1) | (func.min(items.c.message_id) != items.c.cluster_id))
        .subquery()
    )
    growth = (active.c.recent - active.c.earlier).label("growth")
    found = connection.execute(
        select(active.c.cluster_id, active.c.recent, active.c.earlier, growth, *_facts())
        .join(items, items.c.cluster_id == active.c.cluster_id)
        .where(visible(actor))
        .group_by(active.c.cluster_id, active.c.recent, active.c.earlier)
        .having(func.count() >= LEAST)
        .order_by(growth.desc(), func.count().desc(), active.c.cluster_id.desc())
        .limit(limit)
    ).all()
    return _told(connection, actor, found)


def one(connection: Connection, actor: Actor, cluster_id: int, now: datetime) -> Hot:
    """One issue, of whatever size.

    Raises:
        NotFoundError: no message of it exists for this actor.
    """
    row = connection.execute(
        select(items.c.cluster_id, *_weeks(now), *_facts())
        .where(items.c.cluster_id == cluster_id, visible(actor))
        .group_by(items.c.cluster_id)
    ).one_or_none()
    if row is None:
        raise NotFoundError("there is no such issue")
    return _told(connection, actor, [row])[0]


def _weeks(now: datetime) -> list[Any]:
    """How many came in the last seven days, and in the seven before."""
    late = func.sum(case((items.c.received_at >= now - _WEEK, 1), else_=0))
    fortnight = func.sum(case((items.c.received_at >= now - 2 * _WEEK, 1), else_=0))
    return [late.label("recent"), (fortnight - late).label("earlier")]


def _facts() -> list[Any]:
    return [
        func.count().label("size"),
        func.sum(case((items.c.done, 0), else_=1)).label("open"),
        func.min(items.c.received_at).label("first"),
        func.max(items.c.received_at).label("last"),
    ]


def _told(connection: Connection, actor: Actor, found: Sequence[Any]) -> list[Hot]:
    """Issues with what their messages say."""
    own = (items.c.cluster_id.in_([row.cluster_id for row in found]), visible(actor))
    by = items.c.cluster_id
    departments: dict[int, dict[Department, int]] = defaultdict(dict)
    counted = select(by, items.c.department, func.count()).where(*own)
    for number, name, count in connection.execute(counted.group_by(by, items.c.department)):
        departments[number][Department(name)] = count
    newest = (items.c.received_at.desc(), items.c.message_id.desc())
    place = func.row_number().over(partition_by=by, order_by=newest).label("place")
    placed = select(by, items.c.message_id, place).where(*own).subquery()
    texts: dict[int, list[Any]] = defaultdict(list)
    read = (
        select(placed.c.cluster_id, messages.c.title, messages.c.text)
        .join(messages, messages.c.id == placed.c.message_id)
        .where(placed.c.place <= _READ, messages.c.text.is_not(None))
        .order_by(placed.c.cluster_id, placed.c.place)
    )
    for row in connection.execute(read):
        texts[row.cluster_id].append(row)
    return [
        Hot(
            cluster_id=row.cluster_id,
            size=row.size,
            recent=row.recent,
            earlier=row.earlier,
            open=row.open,
            first=row.first,
            last=row.last,
            places=places.common(f"{t.title or ''}\n{t.text}" for t in texts[row.cluster_id]),
            excerpt=texts[row.cluster_id][0].text[:EXCERPT] if texts[row.cluster_id] else None,
            departments=dict(sorted(departments[row.cluster_id].items())),
        )
        for row in found
    ]


def members(
    connection: Connection,
    actor: Actor,
    cluster_id: int,
    cursor: str | None,
    limit: int,
    now: datetime | None = None,
) -> Page:
    """The messages of an issue that exist for the actor, newest first.

    Raises:
        CursorError: the cursor is none of this list.
        NotFoundError: no message of it exists for this actor.
    """
    key = (items.c.received_at, items.c.message_id)
    query = select(*key).where(items.c.cluster_id == cluster_id, visible(actor))
    if cursor:
        after = decode(_KIND, (datetime, int), cursor)
        query = query.where(tuple_(*key) < tuple_(*after, types=[c.type for c in key]))
    found = connection.execute(query.order_by(*(c.desc() for c in key)).limit(limit + 1)).all()
    if not found and not cursor:
        raise NotFoundError("there is no such issue")
    shown = found[:limit]
    more = encode(_KIND, tuple(shown[-1])) if len(found) > limit else None
    numbers = [row.message_id for row in shown]
    return Page(rows(connection, numbers, now or datetime.now(UTC)), more)
