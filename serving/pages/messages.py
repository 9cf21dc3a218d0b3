"""One message: what came, what the machine says and why, and what a person decides."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from fastapi import Request
from starlette.responses import HTMLResponse

from serving.access import Reviewing, StoreOf
from serving.masking import spans
from serving.pages.asking import Asked
from serving.pages.evidence import explained
from serving.pages.marking import plain
from serving.pages.queue import shortened
from serving.pages.render import page
from serving.pages.routing import page_router
from serving.reviewing import MessageId
from serving.store import items, leases, reviews, similar
from triage.labels import CLASSES, REASONS

_RECENT: Final = timedelta(days=30)
_SIMILAR: Final = 3
DEPARTMENT_KEYS: Final = tuple((str(number), code) for number, code in enumerate(CLASSES, 1))
REASON_KEYS: Final = tuple(zip("ASDFGHJ", REASONS, strict=True))

router = page_router()


def _shown(item: items.Item) -> list[str | None]:
    notes = [each.note for each in item.history]
    return [item.title, item.text, *notes, *(each["name"] for each in item.attachments)]


def _attached(attachment: dict[str, str | None]) -> tuple[str, str, bool]:
    """Name and address as they are shown, and whether the address can be opened as it is."""
    address = attachment["url"] or ""
    shown = plain(address)
    is_web = address.startswith(("https://", "http://"))
    return plain(attachment["name"]), shown, is_web and shown == address


@router.get("/messages/{number}")
def shown(
    number: MessageId, request: Request, store: StoreOf, actor: Reviewing, asked: Asked
) -> HTMLResponse:
    """One decision on one screen; who opens it has it for five minutes."""
    now = datetime.now(UTC)
    with store.database.write() as connection:
        lease = leases.take(connection, actor, number, now)
    with store.database.read() as connection:
        item = items.load(connection, actor, number, now)
        known = similar.similar_reviewed(connection, actor, number, _SIMILAR)
        same = similar.count_same(connection, number, now - _RECENT)
        undoable = reviews.undoable(connection, actor)
    return page(
        request,
        "message.html",
        actor,
        asked=asked,
        item=item,
        lease=lease,
        is_own=lease.holder == actor.name,
        seconds=max(0, round((lease.until - now).total_seconds())),
        explained=explained(request.state.settings, item),
        has_personal=any(spans(each or "") for each in _shown(item)),
        similar=[(each, shortened(plain(each.excerpt))) for each in known],
        same=same,
        undoable=undoable,
        department_keys=DEPARTMENT_KEYS,
        reason_keys=REASON_KEYS,
        history=[(each, plain(each.note)) for each in item.history],
        attachments=[_attached(each) for each in item.attachments],
        channel=plain(item.channel),
        reference=plain(item.reference),
    )
