"""What people decided on messages like this one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import numpy as np
from sqlalchemy import Connection, Select, bindparam, func, select, text

from serving.store import nearby, sketch
from serving.store.actors import Actor
from serving.store.errors import NotFoundError
from serving.store.labels import Label, item_label
from serving.store.rows import EXCERPT
from serving.store.tables import items, messages, sketches
from serving.store.visibility import visible

_OF_MATTER: Final = 64
_RECENT: Final = 1_000
_FLOOR: Final = 0.03
"""Texts that have less in common are alike by chance."""


_Known = tuple[int, int | None, bytes]


def _last() -> Select[Any]:
    """What was reviewed last in one department."""
    last = (
        select(items.c.message_id, items.c.cluster_id)
        # As the index has it, else it is not used.
        .where(text("items.done"), items.c.department == bindparam("department"))
        .order_by(items.c.reviewed_at.desc(), items.c.message_id.desc())
        .limit(bindparam("most"))
        .subquery()
    )
    return select(last.c.message_id, last.c.cluster_id, sketches.c.signature).join(
        sketches, sketches.c.message_id == last.c.message_id
    )


_LAST: Final = _last()


@dataclass(frozen=True, slots=True)
class Similar:
    """A message that was reviewed, with the label that holds now.

    `similarity` is the share of the two texts that is the same, 0 to 1; `same` says that they are
    about the same matter. `excerpt` is not masked, and None once purged.
    """

    message_id: int
    similarity: float
    same: bool
    label: Label
    reviewer: str | None
    reviewed_at: datetime
    received_at: datetime
    title: str | None
    excerpt: str | None


def similar_reviewed(
    connection: Connection, actor: Actor, message_id: int, most: int = 3
) -> list[Similar]:
    """The most similar messages that were reviewed and exist for the actor.

    Those of the same matter come first, then by similarity; where there are too few of the same
    matter, the thousand that were reviewed last are compared.

    Raises:
        NotFoundError: no such message for this actor.
    """
    item = connection.execute(
        select(items.c.cluster_id, messages.c.title, messages.c.text, sketches.c.signature)
        .join(messages, messages.c.id == items.c.message_id)
        .outerjoin(sketches, sketches.c.message_id == items.c.message_id)
        .where(items.c.message_id == message_id, visible(actor))
    ).one_or_none()
    if item is None:
        raise NotFoundError("there is no such message")
    own: bytes | None = item.signature
    if own is None and item.text is not None:
        own = sketch.signature(item.title, item.text)  # it came a moment ago
    if not own:
        return []
    keys = sketch.band_keys(own)
    numbers = set(nearby.most_met(keys, nearby.met(connection, keys)))
    numbers |= set(_of_matter(connection, item.cluster_id))
    found = _reviewed(connection, actor, numbers)
    matter = [number for number, cluster, _ in found if cluster == item.cluster_id]
    if len(set(matter) - {message_id}) < most:
        found += _recent(connection, actor)
    signatures = {number: (cluster, signature) for number, cluster, signature in found}
    signatures.pop(message_id, None)
    return _best(connection, own, item.cluster_id, signatures, most)


def count_same(connection: Connection, message_id: int, since: datetime) -> int:
    """How many other messages of the same matter were received `since` then."""
    matter = select(items.c.cluster_id).where(items.c.message_id == message_id)
    counted = select(func.count()).where(
        items.c.cluster_id == matter.scalar_subquery(),
        items.c.received_at >= since,
        items.c.message_id != message_id,
    )
    return connection.scalar(counted) or 0


def _of_matter(connection: Connection, cluster_id: int | None) -> list[int]:
    if cluster_id is None:
        return []
    newest = select(items.c.message_id).where(items.c.cluster_id == cluster_id)
    newest = newest.order_by(items.c.received_at.desc()).limit(_OF_MATTER)
    return list(connection.scalars(newest))


def _reviewed(connection: Connection, actor: Actor, numbers: set[int]) -> list[_Known]:
    rows = connection.execute(
        select(items.c.message_id, items.c.cluster_id, sketches.c.signature)
        .join(sketches, sketches.c.message_id == items.c.message_id)
        .where(items.c.message_id.in_(sorted(numbers)), items.c.done, visible(actor))
    )
    return [(*row,) for row in rows]


def _recent(connection: Connection, actor: Actor) -> list[_Known]:
    """Those of the actor's departments that were reviewed last: one range of the index each."""
    found: list[_Known] = []
    for department in sorted(actor.departments):
        asked = {"department": department, "most": _RECENT // len(actor.departments)}
        found += [(*row,) for row in connection.execute(_LAST, asked)]
    return found


def _best(
    connection: Connection,
    own: bytes,
    cluster_id: int | None,
    known: dict[int, tuple[int | None, bytes]],
    most: int,
) -> list[Similar]:
    numbers = sorted(known)
    if not numbers:
        return []
    others = sketch.table([known[number][1] for number in numbers])
    alike = sketch.similarity(own, others)
    same = alike >= sketch.thresholds(own, others)
    if cluster_id is not None:
        same |= np.array([known[number][0] == cluster_id for number in numbers])
    order = np.lexsort((-np.array(numbers), -alike, ~same))
    chosen = [at for at in order.tolist() if same[at] or alike[at] >= _FLOOR][:most]
    rows = connection.execute(
        select(items, messages.c.title, func.substr(messages.c.text, 1, EXCERPT).label("excerpt"))
        .join(messages, messages.c.id == items.c.message_id)
        .where(items.c.message_id.in_([numbers[at] for at in chosen]))
    )
    by_number = {row.message_id: row for row in rows}
    return [
        Similar(
            message_id=numbers[at],
            similarity=float(alike[at]),
            same=bool(same[at]),
            label=item_label(row),
            reviewer=row.reviewer,
            reviewed_at=row.reviewed_at,
            received_at=row.received_at,
            title=row.title,
            excerpt=row.excerpt,
        )
        for at in chosen
        if (row := by_number.get(numbers[at])) is not None
    ]
