"""The calendar of what is promised: replies and results, by their last day."""

from __future__ import annotations

import calendar
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

from fastapi import Query, Request
from starlette.responses import HTMLResponse

from serving.access import Reviewing, StoreOf
from serving.pages.asking import day_of
from serving.pages.queue import summary
from serving.pages.render import page
from serving.pages.routing import page_router
from serving.pages.words import today
from serving.store import due
from serving.store.due import Kind

_ROWS: Final = 100
_WEEK: Final = calendar.Calendar(firstweekday=calendar.MONDAY)

router = page_router()


@router.get("/deadlines")
def shown(
    request: Request,
    store: StoreOf,
    actor: Reviewing,
    kind: Kind = Kind.REPLY,
    month: str = "",
    day: str = "",
    cursor: Annotated[str | None, Query(max_length=500)] = None,
) -> HTMLResponse:
    """A month with what is due on each day, and the list of one day or of all that is overdue."""
    here = today()
    chosen = day_of(day) if day else None
    first = day_of(f"{month}-01") if month else (chosen or here).replace(day=1)
    weeks = _WEEK.monthdatescalendar(first.year, first.month)
    since, until = weeks[0][0], weeks[-1][-1] + timedelta(days=1)
    now = datetime.now(UTC)
    with store.database.read() as connection:
        promised = due.by_day(connection, actor, since, until)
        late = {each: due.overdue(connection, actor, each, here) for each in Kind}
    with store.database.read() as connection:
        if chosen:
            following = chosen + timedelta(days=1)
            found = due.due(connection, actor, kind, chosen, following, _ROWS, now, cursor)
        else:
            week = here + timedelta(days=8)
            found = due.due(connection, actor, kind, None, week, _ROWS, now, cursor)
    return page(
        request,
        "deadlines.html",
        actor,
        kind=kind,
        today=here,
        chosen=chosen,
        month=first,
        before=(first - timedelta(days=1)).strftime("%Y-%m"),
        after=(first + timedelta(days=31)).strftime("%Y-%m"),
        weeks=weeks,
        working=store.calendar.is_working,
        promised=promised,
        late=late,
        rows=[(row, summary(row)) for row in found.rows],
        next=found.next,
    )
