"""Hot issues: what many write about, and one label for all of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from fastapi import Request
from starlette.responses import HTMLResponse

from serving.access import Reviewing, StoreOf
from serving.pages.marking import plain
from serving.pages.messages import DEPARTMENT_KEYS, REASON_KEYS
from serving.pages.queue import shortened, summary
from serving.pages.render import page
from serving.pages.routing import page_router
from serving.reviewing import MessageId
from serving.store import clusters

_MOST: Final = 50
_MEMBERS: Final = 50

router = page_router()


@router.get("/hot")
def shown(request: Request, store: StoreOf, actor: Reviewing) -> HTMLResponse:
    """The issues, those that grow most first."""
    with store.database.read() as connection:
        found = clusters.hot(connection, actor, datetime.now(UTC), _MOST)
    told = [(each, shortened(plain(each.excerpt))) for each in found]
    return page(request, "hot.html", actor, found=told)


@router.get("/hot/{cluster_id}")
def one(
    request: Request,
    store: StoreOf,
    actor: Reviewing,
    cluster_id: MessageId,
    cursor: str | None = None,
) -> HTMLResponse:
    """One issue: its messages, and the form that labels all of them."""
    now = datetime.now(UTC)
    with store.database.read() as connection:
        found = clusters.one(connection, actor, cluster_id, now)
        members = clusters.members(connection, actor, cluster_id, cursor or None, _MEMBERS, now)
    return page(
        request,
        "issue.html",
        actor,
        each=found,
        said=shortened(plain(found.excerpt)),
        rows=[(row, summary(row)) for row in members.rows],
        next_page=members.next,
        cursor=cursor,
        department_keys=DEPARTMENT_KEYS,
        reason_keys=REASON_KEYS,
    )
