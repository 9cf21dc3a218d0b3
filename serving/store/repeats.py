"""Requests that come again: the same `Idempotency-Key`, or the same message `id`, within 24 hours
is the same request (draft-ietf-httpapi-idempotency-key-header)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, Connection, delete, insert, select, tuple_

from serving.store.tables import decisions, requests

KEPT: Final = timedelta(hours=24)
_PAGE: Final = 100


@dataclass(frozen=True, slots=True, order=True)
class Name:
    """What a caller calls a request: `kind` is `key` (Idempotency-Key) or `id` (the message's)."""

    caller: str
    kind: str
    value: str


@dataclass(frozen=True, slots=True)
class Answered:
    """A request that was answered: the digest of what was asked, the message and the answer."""

    digest: bytes
    message_id: int
    answer: str


def find(connection: Connection, names: Collection[Name], now: datetime) -> dict[Name, Answered]:
    """Those of `names` that were answered in the last 24 hours."""
    found: dict[Name, Answered] = {}
    ordered = list(names)
    for start in range(0, len(ordered), _PAGE):
        page = ordered[start : start + _PAGE]
        rows = connection.execute(
            select(requests, decisions.c.body.label("answer"))
            .join(decisions, decisions.c.message_id == requests.c.message_id)
            .where(_any(page), requests.c.at > now - KEPT)
            .order_by(decisions.c.id.desc())  # so that the first decision stays in the mapping
        )
        for row in rows:
            name = Name(row.caller, row.kind, row.value)
            if row.answer is not None:
                found[name] = Answered(row.body, row.message_id, row.answer)
    return found


def free(connection: Connection, names: Collection[Name], now: datetime) -> None:
    """Let those of `names` be used again whose request is older than a day."""
    ordered = sorted(names)
    for start in range(0, len(ordered), _PAGE):
        old = delete(requests).where(_any(ordered[start : start + _PAGE]))
        connection.execute(old.where(requests.c.at <= now - KEPT))


def keep(connection: Connection, given: Mapping[Name, tuple[bytes, int]], now: datetime) -> None:
    """Remember requests by name: digest and message of each.

    The transaction fails with `DuplicateError` where a name is in use still: another service has
    answered it meanwhile, or it must be set `free` first.
    """
    if given:
        # In one order, so that two services never wait for each other.
        rows = [
            {"caller": n.caller, "kind": n.kind, "value": n.value, "body": digest,
             "message_id": number, "at": now}
            for n, (digest, number) in sorted(given.items())
        ]  # fmt: skip
        connection.execute(insert(requests), rows)


def forget(connection: Connection, now: datetime) -> None:
    """Remove what is older than a day."""
    connection.execute(delete(requests).where(requests.c.at <= now - KEPT))


def _any(names: Collection[Name]) -> ColumnElement[bool]:
    columns = tuple_(requests.c.caller, requests.c.kind, requests.c.value)
    return columns.in_([(name.caller, name.kind, name.value) for name in names])
