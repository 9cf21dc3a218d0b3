"""Puts each message with those of the same matter: a cluster, named by its first message.

A message joins the cluster of the one most like it among those of the 90 days before, else it
begins one. It is never moved afterwards: what people were shown stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import numpy as np
from sqlalchemy import (
    Connection,
    bindparam,
    func,
    insert,
    literal_column,
    select,
    text,
    union_all,
    update,
)

from serving.store import sketch
from serving.store.tables import bands, items, messages, sketches

REACH: Final = timedelta(days=90)
_LOCK: Final = 7_203_515
# The newest of a band are enough: of a mass mailing, thousands are in each.
_OF_BAND: Final = 16
_COMPARED: Final = 32


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


@dataclass(frozen=True, slots=True)
class Near:
    """Sketched messages that may be alike, with their clusters."""

    numbers: list[int]
    clusters: list[int]
    signatures: list[bytes]


def waiting(connection: Connection, most: int) -> list[Waiting]:
    """The messages without a cluster that came first."""
    found = connection.execute(
        select(items.c.message_id, messages.c.title, messages.c.text, items.c.received_at)
        .join(messages, messages.c.id == items.c.message_id)
        .where(items.c.cluster_id.is_(None))
        .order_by(items.c.received_at)
        .limit(most)
    )
    return [Waiting(*row) for row in found]


def _meeting() -> Any:
    """Who shares most bands with a message: `h0` to `h31` are its bands, `since` the oldest."""
    parts = []
    for at in range(sketch.BANDS):
        newest = select(bands.c.message_id).where(bands.c.hash == bindparam(f"h{at}"))
        newest = newest.order_by(bands.c.message_id.desc()).limit(_OF_BAND)
        parts.append(select(newest.subquery().c.message_id))
    met = union_all(*parts).subquery()
    most = (
        select(met.c.message_id, items.c.cluster_id)
        .join(items, items.c.message_id == met.c.message_id)
        .where(items.c.received_at >= bindparam("since"), items.c.cluster_id.is_not(None))
        .group_by(met.c.message_id, items.c.cluster_id)
        .order_by(func.count(literal_column("*")).desc(), met.c.message_id)
        .limit(_COMPARED)
        .subquery()
    )
    return select(most.c.message_id, most.c.cluster_id, sketches.c.signature).join(
        sketches, sketches.c.message_id == most.c.message_id
    )


_MEETING: Final = _meeting()


def near(connection: Connection, keys: Sequence[int], since: datetime) -> Near:
    """At most 32 messages that share bands with these `keys`, received `since` then."""
    if not keys:
        return Near([], [], [])
    asked = {f"h{at}": key for at, key in enumerate(keys)}
    rows = connection.execute(_MEETING, {**asked, "since": since}).all()
    numbers, clusters, signatures = zip(*rows, strict=True) if rows else ((), (), ())
    return Near(list(numbers), list(clusters), list(signatures))


def nearest(signature: bytes, among: Near) -> int | None:
    """The cluster of the one that is most like it, if it is of the same matter."""
    if not among.numbers:
        return None
    others = sketch.table(among.signatures)
    alike = sketch.similarity(signature, others)
    alike[alike < sketch.thresholds(signature, others)] = -1.0
    best = int(np.argmax(alike))
    return among.clusters[best] if alike[best] >= 0 else None


def assign(connection: Connection, sketched: Sequence[Sketched]) -> int | None:
    """Store sketches and clusters of messages, in one writing transaction; how many were new.

    One service at a time does this: None where another is at it. What was purged, or is held by
    somebody, since it was read is left for the next time.
    """
    if connection.dialect.name == "postgresql":
        lock = text("SELECT pg_try_advisory_xact_lock(:lock)")
        if not connection.scalar(lock, {"lock": _LOCK}):
            return None
    new = _still_waiting(connection, sketched)
    met: dict[int, list[int]] = {}
    clusters: list[int] = []
    rows = []
    for at, each in enumerate(new):
        keys = sketch.band_keys(each.signature)
        among = near(connection, keys, each.received_at - REACH)
        for before in sorted({other for key in keys for other in met.get(key, ())[-_OF_BAND:]}):
            among.numbers.append(new[before].number)
            among.clusters.append(clusters[before])
            among.signatures.append(new[before].signature)
        for key in keys:
            met.setdefault(key, []).append(at)
            rows.append({"hash": key, "message_id": each.number})
        found = nearest(each.signature, among)
        clusters.append(each.number if found is None else found)
    _store(connection, new, clusters, rows)
    return len(new)


def _still_waiting(connection: Connection, sketched: Sequence[Sketched]) -> list[Sketched]:
    """Those that have no cluster and are as they were read, held until the transaction ends."""
    rows = connection.execute(
        select(items.c.message_id, messages.c.text.is_(None))
        .join(messages, messages.c.id == items.c.message_id)
        .where(
            items.c.message_id.in_([each.number for each in sketched]),
            items.c.cluster_id.is_(None),
        )
        .with_for_update(key_share=True, skip_locked=True)
    )
    purged = {number: bool(gone) for number, gone in rows}
    return [
        each
        for each in sketched
        if each.number in purged and not (purged[each.number] and each.signature)
    ]


def _store(
    connection: Connection,
    new: Sequence[Sketched],
    clusters: Sequence[int],
    rows: list[dict[str, int]],
) -> None:
    kept = [
        {"message_id": each.number, "signature": each.signature} for each in new if each.signature
    ]
    if kept:
        connection.execute(insert(sketches), kept)
        connection.execute(insert(bands), rows)
    if new:
        belongs = update(items).where(items.c.message_id == bindparam("number"))
        connection.execute(
            belongs.values(cluster_id=bindparam("cluster")),
            [
                {"number": each.number, "cluster": cluster}
                for each, cluster in zip(new, clusters, strict=True)
            ],
        )
