"""What came in and was decided: stored together, many messages in one transaction."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, insert

from serving.store import search
from serving.store.deadlines import Calendar
from serving.store.tables import decisions, items, messages
from triage.types import Decision, Message

AUDITED: Final = 0.05
"""Share of the confident decisions that a person looks at all the same."""
_STEPS: Final = 10_000
_LIST: Final = 5 * _STEPS


@dataclass(frozen=True, slots=True)
class Record:
    """A message of a caller with its decision; `body` is the decision as it was answered."""

    caller: str
    message: Message
    decision: Decision
    body: str
    at: datetime


def is_sampled(number: int) -> bool:
    """Whether the message of this number belongs to the random slice that people look at."""
    digest = hashlib.sha256(number.to_bytes(8, "big")).digest()
    return int.from_bytes(digest[:4], "big") < AUDITED * 2**32


def standing(decision: Decision, *, sampled: bool) -> tuple[bool, int]:
    """Whether a person has to look, and the rank among what is due on one day, least first."""

    def within(kind: int, share: float) -> int:
        return kind * _STEPS + min(_STEPS - 1, math.floor((1 - share) * _STEPS))

    confidence = max(decision.probabilities.values())
    if decision.urgent:
        return True, within(0, decision.urgency.score)
    if decision.needs_review:
        return True, within(1, 1 - confidence)
    return (True, within(2, 1 - confidence)) if sampled else (False, within(3, 1 - confidence))


def insert_messages(
    connection: Connection, calendar: Calendar, records: Sequence[Record], *, indexed: bool = True
) -> list[int]:
    """Store messages with their decisions; returns their numbers, in order.

    Those that are not `indexed` at once are made searchable in the background.
    """
    if not records:
        return []
    numbers = _numbers(connection, messages, [_message(record) for record in records])
    made = [_decision(record, number) for record, number in zip(records, numbers, strict=True)]
    decided = _numbers(connection, decisions, made)
    rows = [
        _item(record, number, decision, calendar)
        for record, number, decision in zip(records, numbers, decided, strict=True)
    ]
    connection.execute(insert(items), rows)
    if indexed:
        texts = [(record.message.title, record.message.text) for record in records]
        search.add(connection, [(n, *each) for n, each in zip(numbers, texts, strict=True)])
    return numbers


def _numbers(connection: Connection, table: Any, rows: list[dict[str, Any]]) -> list[int]:
    """Insert rows; their new numbers, in order."""
    returning = insert(table).returning(table.c.id, sort_by_parameter_order=True)
    return list(connection.scalars(returning, rows))


def storable(text: str) -> str:
    """The text with NUL, which PostgreSQL cannot hold, replaced one by one: offsets stay."""
    return text.replace("\0", "\ufffd")


def _message(record: Record) -> dict[str, Any]:
    message = record.message
    return {
        "caller": record.caller,
        "reference": message.id and storable(message.id),
        "title": message.title and storable(message.title),
        "text": storable(message.text),
        "channel": message.channel and storable(message.channel),
        "attachments": [
            {"name": storable(a.name), "url": a.url and storable(a.url)}
            for a in message.attachments
        ],
        "received_at": message.received_at or record.at,
        "stored_at": record.at,
    }


def _decision(record: Record, number: int) -> dict[str, Any]:
    decision = record.decision
    return {
        "message_id": number,
        "at": record.at,
        "department": decision.department.value,
        "second": decision.second and decision.second.value,
        "confidence": max(decision.probabilities.values()),
        "urgent": decision.urgent,
        "urgency_score": decision.urgency.score,
        "reasons": [reason.value for reason in decision.urgency.reasons],
        "needs_review": decision.needs_review,
        "review_reasons": [cause.value for cause in decision.review_reasons],
        "model": decision.versions.model,
        "rulebook": decision.versions.rulebook,
        "normaliser": decision.versions.normaliser,
        "body": record.body,
    }


def _item(record: Record, number: int, decision_id: int, calendar: Calendar) -> dict[str, Any]:
    message, decision = record.message, record.decision
    received = message.received_at or record.at
    listed, rank = standing(decision, sampled=is_sampled(number))
    return {
        "message_id": number,
        "decision_id": decision_id,
        "version": 0,
        "department": decision.department.value,
        "is_nothing": False,
        "urgent": decision.urgent,
        "reasons": [reason.value for reason in decision.urgency.reasons],
        "done": False,
        "listed": listed,
        "due_on": calendar.reply_due(received, urgent=decision.urgent),
        "usual_due_on": calendar.reply_due(received, urgent=False),
        "result_due_on": calendar.result_due(received),
        "rank": rank,
        "channel": message.channel and storable(message.channel),
        "received_at": received,
    }
