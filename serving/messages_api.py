"""One message, for those who have a front end of their own."""

from __future__ import annotations

from datetime import UTC, datetime

from fastapi import APIRouter, Response

from serving.access import Reviewing, StoreOf
from serving.review_schemas import MessageOut, Replied, ReplyIn
from serving.reviewing import REFUSALS, MessageId, etag, refusing
from serving.store import items, leases, replies

router = APIRouter(prefix="/v1/messages", tags=["messages"])


@router.get("/{message_id}", summary="一条留言（个人信息已遮盖）", responses=REFUSALS)
def message(
    store: StoreOf, actor: Reviewing, message_id: MessageId, response: Response
) -> MessageOut:
    """The message, its decision and its history; numbers of people and accounts are masked.

    The ETag is the version, for `If-Match`.
    """
    now = datetime.now(UTC)
    with refusing():
        with store.database.read() as connection:
            item = items.load(connection, actor, message_id, now)
        if item.first_seen_at is None:
            with store.database.write() as connection:
                leases.mark_seen(connection, message_id, now)
    etag(response, item.version)
    return MessageOut.of(item, masked=True)


@router.post("/{message_id}/reveal", summary="显示个人信息（留痕）", responses=REFUSALS)
def reveal(
    store: StoreOf, actor: Reviewing, message_id: MessageId, response: Response
) -> MessageOut:
    """The message with nothing masked. Who asked is put on record before it is answered."""
    now = datetime.now(UTC)
    with refusing(), store.database.write() as connection:
        item = items.load(connection, actor, message_id, now)
        leases.mark_seen(connection, message_id, now)
        store.audit.append(connection, actor.name, "reveal", f"message:{message_id}")
    etag(response, item.version)
    return MessageOut.of(item, masked=False)


@router.post("/{message_id}/replies", summary="登记答复", responses=REFUSALS)
def reply(store: StoreOf, actor: Reviewing, message_id: MessageId, given: ReplyIn) -> Replied:
    """Note that the citizen was replied to, or told the result; the first time is kept."""
    mark = replies.mark_replied if given.kind == "replied" else replies.mark_answered
    with refusing(), store.database.write() as connection:
        at = mark(connection, store.audit, actor, message_id, datetime.now(UTC))
    return Replied(message_id=message_id, kind=given.kind, at=at)
