"""Puts each message with those of the same matter: a cluster, named by its first message.

A message joins the cluster of the one most like it among those of the 90 days before, else it
begins one. It is never moved afterwards: what people were shown stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, bindparam, func, insert, select, text, update

from serving.store import nearby, sketch
from serving.store.nearby import Candidate
from serving.store.tables import items, messages, sketches

REACH: Final = timedelta(days=90)
_LOCK: Final = 7_203_515


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message that has no cluster yet; `text` is None where it was purged before."""

    number: int
    title: str | None
    text: str | None
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Sketched:
    """A message with its signature, which may be empty."""

    number: int
    received_at: datetime
    signature: bytes


def waiting(connection: Connection, most: int) -> list[Waiting]:
    """The messages without a cluster that came first."""
    found = connection.execute(
        select(items.c.message_id, messages.c.title, messages.c.text, items.c.received_at)
        .join(messages, messages.c.id == items.c.message_id)
        .where(items.c.cluster_id.is_(None))
        # PostgreSQL takes the order from the index only where it begins as the index does.
        .order_by(items.c.cluster_id, items.c.received_at)
        .limit(most)
    )
    return [Waiting(*row) for row in found]


def newest(connection: Connection) -> int | None:
    """The last message that was stored."""
    last: int | None = connection.scalar(select(func.max(messages.c.id)))
    return last


def assign(connection: Connection, sketched: Sequence[Sketched]) -> list[int]:
    """Store sketches and clusters of messages, in one writing transaction; which were new.

    One service at a time does this; another that is at it leaves nothing to do. What was purged,
    or is held by somebody, since it was read is left for the next time.
    """
    if connection.dialect.name == "postgresql":
        lock = text("SELECT pg_try_advisory_xact_lock(:lock)")
        if not connection.scalar(lock, {"lock": _LOCK}):
            return []
    new = _still_waiting(connection, sketched)
    keys = {each.number: sketch.band_keys(each.signature) for each in new}
    by_key = nearby.met(connection, [key for own in keys.values() for key in own])
    asked = {number for own in keys.values() for number in nearby.most_met(own, by_key)}
    known = nearby.candidates(connection, asked)
    clusters = []
    for each in new:
        own = keys[each.number]
        numbers = nearby.most_met(own, by_key)
        near = [known[number] for number in numbers if number in known]
        oldest = each.received_at - REACH
        near = [candidate for candidate in near if candidate.received_at >= oldest]
        found = nearby.nearest(each.signature, near)
        clusters.append(found.cluster_id if found else each.number)
        # The next of them may be like this one.
        known[each.number] = Candidate(each.number, clusters[-1], each.received_at, each.signature)
        for key in own:
            by_key.setdefault(key, []).append(each.number)
    _store(connection, new, clusters, keys)
    return [each.number for each in new]


def _still_waiting(connection: Connection, sketched: Sequence[Sketched]) -> list[Sketched]:
    """Those that have no cluster and are as they were read, held until the transaction ends."""
    # Asked in the condition, SQLite would go through all that have no cluster instead.
    rows = connection.execute(
        select(items.c.message_id, items.c.cluster_id, messages.c.text.is_(None))
        .join(messages, messages.c.id == items.c.message_id)
        .where(items.c.message_id.in_([each.number for each in sketched]))
        .with_for_update(key_share=True, skip_locked=True)
    )
    purged = {number: bool(gone) for number, cluster, gone in rows if cluster is None}
    return [
        each
        for each in sketched
        if each.number in purged and not (purged[each.number] and each.signature)
    ]


def _store(
    connection: Connection,
    new: Sequence[Sketched],
    clusters: Sequence[int],
    keys: dict[int, list[int]],
) -> None:
    kept = [
        {"message_id": each.number, "signature": each.signature} for each in new if each.signature
    ]
    if kept:
        connection.execute(insert(sketches), kept)
        nearby.meet(connection, [(key, number) for number, own in keys.items() for key in own])
    if new:
        belongs = update(items).where(items.c.message_id == bindparam("number"))
        connection.execute(
            belongs.values(cluster_id=bindparam("cluster")),
            [
                {"number": each.number, "cluster": cluster}
                for each, cluster in zip(new, clusters, strict=True)
            ],
        )
