"""A message in a list: enough to choose by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from sqlalchemy import Connection, func, select

from serving.store import leases
from serving.store.labels import Label, item_label
from serving.store.leases import Lease
from serving.store.tables import decisions, items, messages
from triage.types import ReviewReason

EXCERPT: Final = 200
"""Code points of the text that a list gets. Mask before cutting shorter: what is cut within a
number no longer looks like one."""


@dataclass(frozen=True, slots=True)
class Row:
    """What a list shows of one message; `excerpt` is None once purged."""

    message_id: int
    version: int
    reference: str | None
    title: str | None
    excerpt: str | None
    channel: str | None
    received_at: datetime
    due_on: date
    result_due_on: date
    label: Label
    department: str
    confidence: float
    needs_review: bool
    review_reasons: tuple[ReviewReason, ...]
    listed: bool
    done: bool
    first_seen_at: datetime | None
    reviewed_at: datetime | None
    reviewer: str | None
    replied_at: datetime | None
    answered_at: datetime | None
    lease: Lease | None


def rows(connection: Connection, numbers: Sequence[int], now: datetime) -> list[Row]:
    """These messages, in this order. Whether the actor may see them was asked before."""
    if not numbers:
        return []
    found = connection.execute(
        select(
            items,
            messages.c.reference,
            messages.c.title,
            func.substr(messages.c.text, 1, EXCERPT).label("excerpt"),
            decisions.c.confidence,
            decisions.c.needs_review,
            decisions.c.review_reasons,
        )
        .join(messages, messages.c.id == items.c.message_id)
        .join(decisions, decisions.c.id == items.c.decision_id)
        .where(items.c.message_id.in_(numbers))
    )
    held = leases.of(connection, numbers, now)
    made = {
        row.message_id: Row(
            message_id=row.message_id,
            version=row.version,
            reference=row.reference,
            title=row.title,
            excerpt=row.excerpt,
            channel=row.channel,
            received_at=row.received_at,
            due_on=row.due_on,
            result_due_on=row.result_due_on,
            label=item_label(row),
            department=row.department,
            confidence=row.confidence,
            needs_review=row.needs_review,
            review_reasons=tuple(ReviewReason(reason) for reason in row.review_reasons),
            listed=row.listed,
            done=row.done,
            first_seen_at=row.first_seen_at,
            reviewed_at=row.reviewed_at,
            reviewer=row.reviewer,
            replied_at=row.replied_at,
            answered_at=row.answered_at,
            lease=held.get(row.message_id),
        )
        for row in found
    }
    return [made[number] for number in numbers if number in made]
