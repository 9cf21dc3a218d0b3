"""Invented messages with decisions of the fake classifier, ready to be stored."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from serving.store.intake import Record, insert_messages
from serving.store.opening import Store
from tests.fakes import FakeClassifier
from triage.types import Message

AT = datetime(2026, 11, 2, 1, 0, tzinfo=UTC)


def record(text: str, *, caller: str = "anonymous", at: datetime = AT, **given: Any) -> Record:
    """`扬尘` makes it public_interest, else civil; `冻结` urgent; under four characters: review."""
    message = Message(text=text, **given)
    decision = FakeClassifier().classify(message)
    return Record(caller, message, decision, decision.model_dump_json(), at)


def stored(store: Store, *texts: str, **given: Any) -> list[int]:
    """Store messages, each a minute after the one before; their numbers."""
    records = [
        record(text, at=AT + timedelta(minutes=minute), **given)
        for minute, text in enumerate(texts)
    ]
    with store.database.write() as connection:
        return insert_messages(connection, store.calendar, records)
