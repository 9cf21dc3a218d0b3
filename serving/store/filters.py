"""What of the queue is asked for, as conditions on `items`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, func, type_coerce
from sqlalchemy.dialects.postgresql import JSONB

from serving.store import search
from serving.store.tables import items
from triage.types import Department, Reason


@dataclass(frozen=True, slots=True)
class Filters:
    """All of it must hold; `departments` empty: any. Received from `since` on, before `until`."""

    departments: frozenset[Department] = frozenset()
    channel: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    reason: Reason | None = None
    text: str | None = None

    def conditions(
        self, connection: Connection, *, roughly: bool = False
    ) -> list[ColumnElement[bool]]:
        """What must hold, but for the departments: each of them has an index of its own.

        `roughly`: see `search.contains`.
        """
        asked: list[ColumnElement[bool] | None] = [
            None if self.channel is None else items.c.channel == self.channel,
            None if self.since is None else items.c.received_at >= self.since,
            None if self.until is None else items.c.received_at < self.until,
            None if self.reason is None else _has(connection, self.reason),
            search.contains(connection, self.text, items.c.message_id, roughly=roughly)
            if self.text
            else None,
        ]
        return [condition for condition in asked if condition is not None]


def _has(connection: Connection, reason: Reason) -> ColumnElement[bool]:
    if connection.dialect.name == "postgresql":
        return type_coerce(items.c.reasons, JSONB).contains([reason.value])
    return func.instr(items.c.reasons, f'"{reason.value}"') > 0
