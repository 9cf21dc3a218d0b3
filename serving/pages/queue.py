"""The queue: what waits, in its order."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from fastapi import Request
from starlette.responses import HTMLResponse, RedirectResponse

from serving.access import Reviewing, StoreOf
from serving.pages.asking import Asked, Wanted
from serving.pages.marking import plain
from serving.pages.render import page
from serving.pages.routing import page_router
from serving.pages.words import TAB_NAMES
from serving.store import queue
from serving.store.actors import Actor
from serving.store.opening import Store
from serving.store.queue import Row, Tab
from triage.labels import DEPARTMENTS, REASONS

_ROWS: Final = 50
_SHOWN: Final = 80
"""Characters of a text in a row."""

router = page_router()


@router.get("/queue")
def shown(request: Request, store: StoreOf, actor: Reviewing, asked: Asked) -> HTMLResponse:
    """A page of the queue."""
    now = datetime.now(UTC)
    with store.database.read() as connection:
        found = queue.page(connection, actor, asked.tab, asked.filters, asked.cursor, _ROWS, now)
    return page(
        request,
        "queue.html",
        actor,
        asked=asked,
        rows=[(row, summary(row)) for row in found.rows],
        next_page=asked.query(cursor=found.next) if found.next else None,
        departments=[d for d in DEPARTMENTS if d in actor.departments],
        reasons=REASONS,
        emptied="none" in request.query_params,
        tabs=_counted(store, actor, asked),
    )


@router.get("/queue/counts")
def counts(request: Request, store: StoreOf, actor: Reviewing, asked: Asked) -> HTMLResponse:
    """The tabs alone, with what they hold now."""
    return page(request, "tabs.html", actor, asked=asked, tabs=_counted(store, actor, asked))


@router.get("/queue/next")
def following(store: StoreOf, actor: Reviewing, asked: Asked) -> RedirectResponse:
    """Open the first message that nobody else has open."""
    # What is done or one's own has no next; the work that waits has.
    tab = asked.tab if asked.tab in (Tab.URGENT, Tab.REVIEW, Tab.ALL) else Tab.ALL
    with store.database.write() as connection:
        number = queue.take_next(connection, actor, tab, asked.filters, datetime.now(UTC))
    if number is None:
        return RedirectResponse(f"/queue?{asked.query()}&none=1", 303)
    return RedirectResponse(f"/messages/{number}?{asked.query(tab)}", 303)


def summary(row: Row) -> str:
    """A row's title and text in one line, masked before they are cut."""
    title, text = plain(row.title), plain(row.excerpt)
    if row.excerpt is None:
        return title or "（正文已清除）"
    return shortened(f"{title}：{text}" if title else text)


def shortened(text: str) -> str:
    """The beginning of a line."""
    return text[:_SHOWN] + ("…" if len(text) > _SHOWN else "")


def _counted(store: Store, actor: Actor, asked: Wanted) -> list[tuple[Tab, str, int]]:
    with store.database.read() as connection:
        found = queue.counts(connection, actor, asked.filters)
    return [(tab, name, found[tab]) for tab, name in TAB_NAMES.items()]
