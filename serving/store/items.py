"""One message as a person works on it: what came, what the machine said, what holds now."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final

from sqlalchemy import Connection, select

from serving.store import leases
from serving.store.actors import Actor
from serving.store.errors import NotFoundError
from serving.store.labels import Label, item_label, label, machine_label
from serving.store.leases import Lease
from serving.store.tables import corrections, decisions, items, messages
from serving.store.visibility import visible
from triage.types import Decision, ReviewReason

HISTORY: Final = 100
"""How many corrections of one message are shown, the newest."""

__all__ = ["Correction", "Item", "correction", "history", "load", "lock", "lock_one", "visible"]


@dataclass(frozen=True, slots=True)
class Correction:
    """What a person said of a message; `version` is the item's after it.

    `kind`: agree, correct or undo. `was_done`: whether the item was done before it.
    """

    id: str
    message_id: int
    version: int
    actor: str
    at: datetime
    kind: str
    before: Label
    was_done: bool
    label: Label
    note: str | None
    undoes: str | None
    cluster_id: int | None


@dataclass(frozen=True, slots=True)
class Item:
    """What one person sees of one message.

    `text` and `decision` are None once purged. `machine` is the decision's label; `reviewer` the
    name of the last to judge it; `listed` whether a person has to look. `history` is the newest
    first.
    """

    message_id: int
    reference: str | None
    title: str | None
    text: str | None
    channel: str | None
    attachments: tuple[dict[str, str | None], ...]
    received_at: datetime
    decision_id: int
    decision: Decision | None
    decided_at: datetime
    machine: Label
    confidence: float
    needs_review: bool
    review_reasons: tuple[ReviewReason, ...]
    version: int
    label: Label
    department: str
    done: bool
    listed: bool
    due_on: date
    result_due_on: date
    first_seen_at: datetime | None
    reviewed_at: datetime | None
    reviewer: str | None
    replied_at: datetime | None
    answered_at: datetime | None
    cluster_id: int | None
    lease: Lease | None
    history: tuple[Correction, ...]


def load(
    connection: Connection, actor: Actor, message_id: int, now: datetime | None = None
) -> Item:
    """One message with all that belongs to it.

    Raises:
        NotFoundError: no such message for this actor.
    """
    row = connection.execute(
        select(items).where(items.c.message_id == message_id, visible(actor))
    ).one_or_none()
    if row is None:
        raise NotFoundError("there is no such message")
    message = connection.execute(select(messages).where(messages.c.id == message_id)).one()
    made = connection.execute(select(decisions).where(decisions.c.id == row.decision_id)).one()
    return Item(
        message_id=message_id,
        reference=message.reference,
        title=message.title,
        text=message.text,
        channel=message.channel,
        attachments=tuple(message.attachments),
        received_at=row.received_at,
        decision_id=row.decision_id,
        decision=None if made.body is None else Decision.model_validate_json(made.body),
        decided_at=made.at,
        machine=machine_label(made),
        confidence=made.confidence,
        needs_review=made.needs_review,
        review_reasons=tuple(ReviewReason(reason) for reason in made.review_reasons),
        version=row.version,
        label=item_label(row),
        department=row.department,
        done=row.done,
        listed=row.listed,
        due_on=row.due_on,
        result_due_on=row.result_due_on,
        first_seen_at=row.first_seen_at,
        reviewed_at=row.reviewed_at,
        reviewer=row.reviewer,
        replied_at=row.replied_at,
        answered_at=row.answered_at,
        cluster_id=row.cluster_id,
        lease=leases.of(connection, [message_id], now or datetime.now(UTC)).get(message_id),
        history=tuple(history(connection, message_id)),
    )


def history(connection: Connection, message_id: int, most: int = HISTORY) -> list[Correction]:
    """What people said of it, the newest first; ask `load` first whether the actor may know."""
    rows = connection.execute(
        select(corrections)
        .where(corrections.c.message_id == message_id)
        .order_by(corrections.c.version.desc())
        .limit(most)
    )
    return [correction(row) for row in rows]


def correction(row: Any) -> Correction:
    """A correction from a row of the table."""
    before = row.before
    return Correction(
        id=row.id,
        message_id=row.message_id,
        version=row.version,
        actor=row.actor,
        at=row.at,
        kind=row.kind,
        before=label(before["department"], before["urgent"], before["reasons"]),
        was_done=before["done"],
        label=label(row.department, row.urgent, row.reasons),
        note=row.note,
        undoes=row.undoes,
        cluster_id=row.cluster_id,
    )


def lock_one(connection: Connection, actor: Actor, message_id: int) -> Any:
    """The row of one item, held until the transaction ends.

    Raises:
        NotFoundError: no such message for this actor.
    """
    row = lock(connection, actor, [message_id]).get(message_id)
    if row is None:
        raise NotFoundError("there is no such message")
    return row


def lock(connection: Connection, actor: Actor, numbers: Collection[int]) -> dict[int, Any]:
    """The rows of these items that exist for the actor, held until the transaction ends.

    Whoever changes several items in one transaction must hold all of them before the first audit
    record: they are taken in one order, so that two of them never wait for each other.
    """
    rows = connection.execute(
        select(items)
        .where(items.c.message_id.in_(numbers), visible(actor))
        .order_by(items.c.message_id)
        .with_for_update()
    )
    return {row.message_id: row for row in rows}
