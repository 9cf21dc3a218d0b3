"""How much comes in, how well the machine decides, how quickly people look and reply.

Days are days in Asia/Shanghai. What came in from `since` on, before `until`, is counted; only
reviewers' load goes by when they decided.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import ColumnElement, Connection, Date, Text, and_, cast, func, or_, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from serving.store.deadlines import local_day
from serving.store.tables import corrections, decisions, items
from triage.labels import CLASSES, NONE
from triage.types import ReviewReason

_Counts = dict[str, int]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class Day(_Part):
    """What came in on one day; `departments` by the label that holds, `none` too."""

    day: date
    total: int
    urgent: int
    departments: _Counts


class Channel(_Part):
    """What came in by one channel; None: the intake system named none."""

    channel: str | None
    total: int


class Agreement(_Part):
    """Of the messages that people judged: on how many they said what the machine did.

    Where the machine asked whether there is anything to handle, both its department and `none` are
    what it said (`labels.agrees`). `confusion`: how many of each class of the machine's have which
    class of people's.
    """

    judged: int
    department: int
    urgency: int
    confusion: dict[str, _Counts]


class FirstLook(_Part):
    """Of what the machine found urgent: how long until somebody opened it, from its decision on.

    `seen` were opened; median and 90th percentile are of those alone, None where there are none.
    """

    urgent: int
    seen: int
    median_seconds: float | None
    p90_seconds: float | None


class Replies(_Part):
    """Replies that went out, those of them after the last day, and those that wait.

    What has nothing to handle waits for none. `overdue`: of the waiting, those whose last day has
    passed; by department.
    """

    replied: int
    late: int
    waiting: int
    overdue: int
    overdue_by_department: _Counts


class Load(_Part):
    """What one person or program decided; `undone` of it was taken back by them."""

    reviewer: str
    decided: int
    agreed: int
    corrected: int
    undone: int


class Statistics(_Part):
    """Everything for one range of time."""

    since: datetime
    until: datetime
    total: int
    urgent: int
    days: tuple[Day, ...] = Field(description="From the first with messages to the last.")
    departments: _Counts
    channels: tuple[Channel, ...] = Field(description="The largest first.")
    agreement: Agreement
    first_look: FirstLook
    replies: Replies
    reviewers: tuple[Load, ...] = Field(description="The busiest first.")


class _LocalDay(FunctionElement[date]):
    """The day of a moment in Asia/Shanghai, which has kept UTC+8 without a change since 1991."""

    type = Date()
    inherit_cache = True


@compiles(_LocalDay, "sqlite")
def _in_sqlite(element: Any, compiler: Any, **given: Any) -> str:
    return f"date({compiler.process(element.clauses, **given)}, '+8 hours')"


@compiles(_LocalDay, "postgresql")
def _in_postgresql(element: Any, compiler: Any, **given: Any) -> str:
    moment = compiler.process(element.clauses, **given)
    return f"CAST({moment} AT TIME ZONE 'Asia/Shanghai' AS DATE)"


def overview(
    connection: Connection, since: datetime, until: datetime, now: datetime | None = None
) -> Statistics:
    """All statistics; with half a million messages it takes seconds, so ask for a month."""
    rows = _volumes(connection, since, until, now or datetime.now(UTC))
    channels = _summed(rows, lambda row: row.channel)
    return Statistics(
        since=since,
        until=until,
        total=sum(row.total for row in rows),
        urgent=sum(row.total for row in rows if row.urgent),
        days=tuple(_days(rows)),
        departments=_by_class(rows),
        channels=tuple(Channel(channel=name, total=n) for name, n in channels.most_common()),
        agreement=_agreement(connection, since, until),
        first_look=_first_look(connection, since, until),
        replies=_replies(rows),
        reviewers=tuple(_load(connection, since, until)),
    )


def _within(since: datetime, until: datetime) -> ColumnElement[bool]:
    return and_(items.c.received_at >= since, items.c.received_at < until)


def _volumes(connection: Connection, since: datetime, until: datetime, now: datetime) -> list[Any]:
    """Counts by everything at once: the rows of the range are read one time."""
    day = _LocalDay(items.c.received_at).label("day")
    by = (day, items.c.department, items.c.is_nothing, items.c.urgent, items.c.channel)
    replied = items.c.replied_at.is_not(None)
    waits = and_(items.c.replied_at.is_(None), ~items.c.is_nothing)
    late = and_(replied, _LocalDay(items.c.replied_at) > items.c.due_on)
    overdue = and_(waits, items.c.due_on < local_day(now))
    query = select(
        *by,
        func.count().label("total"),
        func.count().filter(replied).label("replied"),
        func.count().filter(late).label("late"),
        func.count().filter(waits).label("waiting"),
        func.count().filter(overdue).label("overdue"),
    )
    return list(connection.execute(query.where(_within(since, until)).group_by(*by)))


def _class(department: str, is_nothing: bool) -> str:
    return NONE if is_nothing else department


def _summed(rows: list[Any], key: Any) -> Counter[Any]:
    counted: Counter[Any] = Counter()
    for row in rows:
        counted[key(row)] += row.total
    return counted


def _by_class(rows: list[Any]) -> _Counts:
    counted = _summed(rows, lambda row: _class(row.department, row.is_nothing))
    return {name: counted[name] for name in CLASSES}


def _days(rows: list[Any]) -> Iterator[Day]:
    found: dict[date, list[Any]] = {}
    for row in rows:
        found.setdefault(row.day, []).append(row)
    day, last = min(found, default=date.max), max(found, default=date.min)
    while day <= last:
        own = found.get(day, [])
        yield Day(
            day=day,
            total=sum(row.total for row in own),
            urgent=sum(row.total for row in own if row.urgent),
            departments=_by_class(own),
        )
        day += timedelta(days=1)


def _agreement(connection: Connection, since: datetime, until: datetime) -> Agreement:
    asked = cast(decisions.c.review_reasons, Text).contains(ReviewReason.NOTHING_TO_HANDLE.value)
    by = (
        decisions.c.department.label("machine"),
        asked.label("asked"),
        items.c.department,
        items.c.is_nothing,
        (decisions.c.urgent == items.c.urgent).label("same_urgency"),
    )
    query = (
        select(*by, func.count().label("total"))
        .join(decisions, decisions.c.id == items.c.decision_id)
        .where(items.c.done, _within(since, until))
        .group_by(*by)
    )
    confusion = {machine: dict.fromkeys(CLASSES, 0) for machine in CLASSES}
    urgency = 0
    for row in connection.execute(query):
        person = _class(row.department, row.is_nothing)
        machine = _class(row.machine, row.asked and row.is_nothing)
        confusion[machine][person] += row.total
        urgency += row.total if row.same_urgency else 0
    return Agreement(
        judged=sum(sum(counts.values()) for counts in confusion.values()),
        department=sum(confusion[name][name] for name in CLASSES),
        urgency=urgency,
        confusion=confusion,
    )


def _first_look(connection: Connection, since: datetime, until: datetime) -> FirstLook:
    # What people have made less urgent was urgent when it came: it has been decided on since.
    query = (
        select(decisions.c.at, items.c.first_seen_at)
        .join(decisions, decisions.c.id == items.c.decision_id)
        .where(or_(items.c.urgent, items.c.version > 0), decisions.c.urgent, _within(since, until))
    )
    rows = connection.execute(query).all()
    waited = sorted(
        max(0.0, (row.first_seen_at - row.at).total_seconds()) for row in rows if row.first_seen_at
    )
    return FirstLook(
        urgent=len(rows),
        seen=len(waited),
        median_seconds=_quantile(waited, 0.5),
        p90_seconds=_quantile(waited, 0.9),
    )


def _quantile(ordered: list[float], share: float) -> float | None:
    """The least that at least this share does not exceed (the nearest rank)."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else None


def _replies(rows: list[Any]) -> Replies:
    overdue: Counter[str] = Counter()
    for row in rows:
        overdue[row.department] += row.overdue
    return Replies(
        replied=sum(row.replied for row in rows),
        late=sum(row.late for row in rows),
        waiting=sum(row.waiting for row in rows),
        overdue=sum(row.overdue for row in rows),
        overdue_by_department={name: overdue[name] for name in CLASSES if name != NONE},
    )


_KINDS: Final = {"agree": "agreed", "correct": "corrected", "undo": "undone"}


def _load(connection: Connection, since: datetime, until: datetime) -> list[Load]:
    by = (corrections.c.actor, corrections.c.kind)
    query = select(*by, func.count().label("total")).group_by(*by)
    within = (corrections.c.at >= since, corrections.c.at < until)
    found: dict[str, dict[str, int]] = {}
    for row in connection.execute(query.where(*within)):
        own = found.setdefault(row.actor, dict.fromkeys(_KINDS.values(), 0))
        own[_KINDS[row.kind]] += row.total
    loads = [
        Load(reviewer=actor, decided=own["agreed"] + own["corrected"], **own)
        for actor, own in found.items()
    ]
    return sorted(loads, key=lambda load: (-load.decided, load.reviewer))
