"""The queue and the decisions of people, for those who have a front end of their own."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from serving.access import Reviewing, StoreOf
from serving.review_schemas import (
    CorrectionOut,
    Decided,
    LeaseOut,
    MessageOut,
    Reviews,
    RowOut,
    UndoIn,
    VerdictIn,
)
from serving.reviewing import (
    CONFLICTS,
    REFUSALS,
    VERSIONED,
    IfMatch,
    MessageId,
    conflict,
    etag,
    refusing,
    version_of,
)
from serving.store import items, leases, queue, reviews
from serving.store.queue import Filters, Tab
from serving.store.reviews import ConflictError, Verdict
from triage.types import Department, Reason, Timestamp

MOST_ROWS = 200

router = APIRouter(prefix="/v1/reviews", tags=["reviews"])


def filters_of(
    department: Annotated[list[Department] | None, Query(max_length=4)] = None,
    channel: Annotated[str | None, Query(max_length=64)] = None,
    since: Annotated[Timestamp | None, Query(description="Received then or later.")] = None,
    until: Annotated[Timestamp | None, Query(description="Received before.")] = None,
    reason: Annotated[Reason | None, Query(description="Urgent for this reason.")] = None,
    text: Annotated[
        str | None, Query(max_length=100, description="Every run of characters must occur.")
    ] = None,
) -> Filters:
    """What is asked for."""
    return Filters(frozenset(department or ()), channel, since, until, reason, text)


Wanted = Annotated[Filters, Depends(filters_of)]


@router.get("", summary="待复核队列", responses=REFUSALS)
def page(
    store: StoreOf,
    actor: Reviewing,
    wanted: Wanted,
    tab: Tab = Tab.REVIEW,
    cursor: Annotated[str | None, Query(max_length=500)] = None,
    limit: Annotated[int, Query(ge=1, le=MOST_ROWS)] = 50,
) -> Reviews:
    """A page of the queue: what is due first comes first, `done` and `mine` newest first."""
    now = datetime.now(UTC)
    with refusing():
        with store.database.read() as connection:
            found = queue.page(connection, actor, tab, wanted, cursor, limit, now)
        counted = None
        if cursor is None:
            with store.database.read() as connection:
                counted = queue.counts(connection, actor, wanted, now)
    return Reviews(rows=[RowOut.of(row) for row in found.rows], next=found.next, counts=counted)


@router.post(
    "/next",
    summary="取下一条",
    response_model=MessageOut,
    responses=REFUSALS | {204: {"description": "There is none that is free."}},
)
def next_message(
    store: StoreOf,
    actor: Reviewing,
    wanted: Wanted,
    response: Response,
    tab: Tab = Tab.REVIEW,
) -> MessageOut | Response:
    """Open the first message of the tab that nobody has open; it is leased for five minutes."""
    now = datetime.now(UTC)
    with refusing(), store.database.write() as connection:
        number = queue.take_next(connection, actor, tab, wanted, now)
        if number is None:
            return Response(status_code=204)
        item = items.load(connection, actor, number, now)
    etag(response, item.version)
    return MessageOut.of(item, masked=True)


@router.get("/undo", summary="可以撤回的决定", responses=REFUSALS)
def undoable(store: StoreOf, actor: Reviewing) -> list[CorrectionOut]:
    """Those of the caller's last ten decisions that hold now, the newest first."""
    with refusing(), store.database.read() as connection:
        return [CorrectionOut.of(made) for made in reviews.undoable(connection, actor)]


@router.post("/undo", summary="撤回自己的决定", response_model=Decided, responses=CONFLICTS)
def undo(
    store: StoreOf, actor: Reviewing, given: UndoIn, request: Request, response: Response
) -> Decided | Response:
    """Take back one of the caller's last ten decisions, while nobody has decided after it."""
    now = datetime.now(UTC)
    try:
        with refusing(), store.database.write() as connection:
            message_id, version = reviews.undo(
                connection, store.audit, actor, str(given.id), str(given.undoes), now
            )
    except ConflictError as error:
        return conflict(request, error)
    etag(response, version)
    return Decided(message_id=message_id, version=version)


@router.post("/{message_id}", summary="确认或更正", response_model=Decided, responses=VERSIONED)
def decide(
    store: StoreOf,
    actor: Reviewing,
    message_id: MessageId,
    given: VerdictIn,
    request: Request,
    response: Response,
    if_match: IfMatch = None,
) -> Decided | Response:
    """Decide on the version of the message that was seen; answered when it is on disk.

    The same decision sent again gets the same answer. Where somebody decided meanwhile, nothing is
    changed, and the answer tells what they decided.
    """
    version, now = version_of(if_match), datetime.now(UTC)
    verdict = Verdict(str(given.id), given.stored(), given.note)
    try:
        with refusing(), store.database.write() as connection:
            after = reviews.decide(
                connection, store.audit, actor, message_id, version, verdict, now
            )
    except ConflictError as error:
        return conflict(request, error)
    etag(response, after)
    return Decided(message_id=message_id, version=after)


@router.get("/{message_id}/history", summary="复核记录", responses=REFUSALS)
def history(store: StoreOf, actor: Reviewing, message_id: MessageId) -> list[CorrectionOut]:
    """What people said of the message: the last hundred, the newest first."""
    with refusing(), store.database.read() as connection:
        item = items.load(connection, actor, message_id)
    return [CorrectionOut.of(made) for made in item.history]


@router.post("/{message_id}/lease", summary="打开或续期", responses=REFUSALS)
def lease(store: StoreOf, actor: Reviewing, message_id: MessageId) -> LeaseOut:
    """Have the message open for five minutes from now, unless another has; says who has it."""
    with refusing(), store.database.write() as connection:
        held = leases.take(connection, actor, message_id, datetime.now(UTC))
    return LeaseOut.model_validate(held)


@router.delete("/{message_id}/lease", status_code=204, summary="放回队列", responses=REFUSALS)
def release(store: StoreOf, actor: Reviewing, message_id: MessageId) -> None:
    """Give the message back, undecided."""
    with refusing(), store.database.write() as connection:
        leases.release(connection, actor, message_id)
