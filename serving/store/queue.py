"""What waits for people, in the order in which it should be done, page by page.

A page is merged from ranges that each have an index, one for each department that the actor may
see: it costs the same among a thousand messages and among a million.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    and_,
    exists,
    func,
    or_,
    select,
    tuple_,
)

from serving.store.actors import Actor
from serving.store.cursors import decode, encode
from serving.store.deadlines import local_day
from serving.store.filters import Filters
from serving.store.leases import claim, mark_seen
from serving.store.rows import Row, rows
from serving.store.tables import OPEN, as_indexed, items, leases
from serving.store.visibility import visible

__all__ = ["Filters", "Page", "Row", "Tab", "counts", "page", "take_next"]

MOST_COUNTED: Final = 10_000
_TRIED: Final = 20
_OPEN_KEY: Final = (items.c.due_on, items.c.rank, items.c.message_id)
_DONE_KEY: Final = (items.c.reviewed_at, items.c.message_id)

_START: Final = (datetime.max.replace(tzinfo=UTC), 0)

Conditions = list[ColumnElement[bool]]


class Tab(StrEnum):
    """The parts of the queue."""

    URGENT = "urgent"
    REVIEW = "review"
    ALL = "all"
    MINE = "mine"
    DONE = "done"


_WHICH: Final = {Tab.URGENT: OPEN["urgent"], Tab.REVIEW: OPEN["review"], Tab.ALL: OPEN["open"]}


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows, and the cursor of the next page, where there is one."""

    rows: list[Row]
    next: str | None


def page(
    connection: Connection,
    actor: Actor,
    tab: Tab,
    filters: Filters,
    cursor: str | None,
    limit: int,
    now: datetime | None = None,
) -> Page:
    """The rows after `cursor`: what is open by due date and rank, what is done newest first.

    `mine` begins with what the actor has open.

    Raises:
        CursorError: the cursor is none of this tab.
    """
    now = now or datetime.now(UTC)
    key, types = (_OPEN_KEY, (date, int, int)) if tab in _WHICH else (_DONE_KEY, (datetime, int))
    after = decode(tab, types, cursor) if cursor else None
    asked = filters.conditions(connection)
    first: list[int] = []
    if tab is Tab.MINE and after is None:
        mine = select(items.c.message_id).where(_leased(actor.name, now), visible(actor))
        first = list(connection.scalars(mine.where(*_within(filters), *asked).limit(limit)))
    wanted = limit - len(first)
    found = _merged(connection, _ranges(actor, tab, filters, now), asked, key, after, wanted + 1)
    shown = found[:wanted]
    more = encode(tab, shown[-1] if shown else _START) if len(found) > wanted else None
    return Page(rows(connection, [*first, *(row[-1] for row in shown)], now), more)


def counts(
    connection: Connection, actor: Actor, filters: Filters, now: datetime | None = None
) -> dict[Tab, int]:
    """How many there are in each tab; 10,000 stands for that many or more."""
    now = now or datetime.now(UTC)
    asked = filters.conditions(connection, roughly=True)
    tabs = {}
    for tab in Tab:
        ranges = _ranges(actor, tab, filters, now, in_order=False)
        if tab is Tab.MINE:
            ranges.append([_leased(actor.name, now), visible(actor), *_within(filters)])
        tabs[tab] = ranges
    if filters.text:
        return _counted_once(connection, tabs, asked)
    return {tab: _counted(connection, ranges, asked) for tab, ranges in tabs.items()}


def _counted(connection: Connection, ranges: Sequence[Conditions], asked: Conditions) -> int:
    """Range by range: each stops where enough are found."""
    total = 0
    for conditions in ranges:
        few = select(items.c.message_id).where(*conditions, *asked).limit(MOST_COUNTED - total)
        total += connection.scalar(select(func.count()).select_from(few.subquery())) or 0
        if total == MOST_COUNTED:
            break
    return total


def _counted_once(
    connection: Connection, tabs: dict[Tab, list[Conditions]], asked: Conditions
) -> dict[Tab, int]:
    """All tabs at once, from what is found: looking for the words costs more than the rest."""
    within = {tab: or_(*(and_(*each) for each in ranges)) for tab, ranges in tabs.items()}
    columns = [func.count().filter(condition).label(tab) for tab, condition in within.items()]
    found = connection.execute(select(*columns).select_from(items).where(*asked)).one()
    return {tab: min(count, MOST_COUNTED) for tab, count in zip(tabs, found, strict=True)}


def take_next(
    connection: Connection, actor: Actor, tab: Tab, filters: Filters, now: datetime
) -> int | None:
    """Lease the first open message of the tab that nobody has open, in a writing transaction.

    Two who ask at once get different ones. None where there is none, or the tab has none open.
    """
    if tab not in _WHICH:
        return None
    asked = [*filters.conditions(connection), ~_leased(None, now)]
    ranges = _ranges(actor, tab, filters, now)
    for patient in (False, True):
        after: Sequence[Any] | None = None
        passed = False
        while found := _merged(connection, ranges, asked, _OPEN_KEY, after, _TRIED):
            for *_, number in found:
                if not _held(connection, number, wait=patient):
                    passed = True
                elif claim(connection, actor.name, number, now, renew=False):
                    mark_seen(connection, number, now)
                    return int(number)
            after = found[-1]
        if not passed:
            break
    return None


def _held(connection: Connection, number: int, *, wait: bool) -> bool:
    """Hold an item that is open still; what another transaction holds is left to it at first."""
    open_still = select(items.c.message_id).where(items.c.message_id == number, ~items.c.done)
    held = connection.scalar(open_still.with_for_update(skip_locked=not wait))
    return held is not None


def _ranges(
    actor: Actor, tab: Tab, filters: Filters, now: datetime, *, in_order: bool = True
) -> list[Conditions]:
    """Conditions of ranges that make up the tab, without overlap; each has an index in order.

    Where the order does not matter, the departments are one range.
    """
    if tab is Tab.MINE:
        own = items.c.reviewer == actor.name
        return [[own, ~_leased(actor.name, now), *_within(filters)]]
    words, bounds = _WHICH.get(tab, "done"), []
    if tab in _WHICH:
        if filters.reason:  # whatever has a reason is urgent, and those are few
            words = OPEN["urgent"]
        if filters.since:  # nothing is due before it came
            bounds.append(items.c.due_on >= local_day(filters.since))
    which = as_indexed(words)
    departments = sorted(actor.departments & (filters.departments or actor.departments))
    parts = [[each] for each in departments] if in_order else [departments]
    ranges: list[Conditions] = [[which, items.c.department.in_(part), *bounds] for part in parts]
    if tab is Tab.DONE and not actor.sees_all:
        others = items.c.department.not_in(sorted(actor.departments))
        ranges.append([items.c.reviewer == actor.name, others, *_within(filters)])
    return ranges


def _within(filters: Filters) -> Conditions:
    wanted = sorted(filters.departments)
    return [items.c.department.in_(wanted)] if wanted else []


def _leased(holder: str | None, now: datetime) -> ColumnElement[bool]:
    if holder is None:
        return exists().where(leases.c.message_id == items.c.message_id, leases.c.until > now)
    own = select(leases.c.message_id).where(leases.c.holder == holder, leases.c.until > now)
    return items.c.message_id.in_(own)


def _merged(
    connection: Connection,
    ranges: Sequence[Conditions],
    asked: Conditions,
    key: Sequence[Column[Any]],
    after: Sequence[Any] | None,
    limit: int,
) -> list[tuple[Any, ...]]:
    """The first keys after `after` of all ranges: ascending, or descending where it is time."""
    newest_first = key is _DONE_KEY
    found = []
    for conditions in ranges:
        query = select(*key).where(*conditions, *asked).limit(limit)
        if after is not None:
            here, there = tuple_(*key), tuple_(*after, types=[column.type for column in key])
            query = query.where(here < there if newest_first else here > there)
        query = query.order_by(*(column.desc() if newest_first else column for column in key))
        found.append([tuple(row) for row in connection.execute(query)])
    return list(heapq.merge(*found, reverse=newest_first))[:limit]
