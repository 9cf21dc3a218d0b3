"""Messages with the labels that people gave them, page by page.

In the order of their numbers: a message that is judged again while an export runs is in it once.
Each page is a short transaction of its own, so that an export of everything holds nobody up.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select

from serving.store.actors import Actor
from serving.store.engine import Database
from serving.store.intake import is_sampled
from serving.store.labels import Label, item_label, label
from serving.store.tables import corrections, decisions, items, messages
from serving.store.visibility import visible
from triage.labels import NONE
from triage.types import ReviewReason

_PAGE: Final = 1_000
_SPAN: Final = 20_000
"""How many numbers one transaction looks at: where few are labelled it ends soon all the same."""

# Decoding what nobody reads would cost as much as all the rest.
_COLUMNS: Final = (
    items.c.message_id,
    items.c.version,
    items.c.department,
    items.c.is_nothing,
    items.c.urgent,
    items.c.reasons,
    items.c.done,
    items.c.reviewer,
    items.c.reviewed_at,
    items.c.received_at,
    messages.c.reference,
    messages.c.title,
    messages.c.text,
    messages.c.channel,
    *(
        decisions.c[name].label(f"machine_{name}")
        for name in ("department", "second", "urgent", "reasons", "confidence", "urgency_score",
                     "review_reasons", "model", "rulebook", "normaliser")
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be exported. `classes`: departments or `none`; empty: any.

    Judged from `since` on, before `until`. With `unlabelled` also what nobody has judged; its time
    is when it was received, its class what the machine decided.
    """

    since: datetime | None = None
    until: datetime | None = None
    classes: frozenset[str] = frozenset()
    unlabelled: bool = False

    def told(self) -> dict[str, str | bool]:
        """As the audit record has it."""
        named: dict[str, str | bool] = {"unlabelled": True} if self.unlabelled else {}
        for name, moment in (("since", self.since), ("until", self.until)):
            if moment is not None:
                named[name] = moment.isoformat()
        return named | ({"department": " ".join(sorted(self.classes))} if self.classes else {})


@dataclass(frozen=True, slots=True)
class Machine:
    """What the machine decided. `asked`: whether it asked if there is anything to handle."""

    label: Label
    second: str | None
    confidence: float
    urgency_score: float
    asked: bool
    model: str
    rulebook: str
    normaliser: str


@dataclass(frozen=True, slots=True)
class Exported:
    """A message that has a text, with the label that holds; `label` is None where nobody judged.

    `version` is that of the correction that gave the label; `item_version` what the message is at,
    for whoever decides on it. `natural`: it belongs to the random slice, whatever was decided.
    """

    message_id: int
    reference: str | None
    title: str | None
    text: str
    channel: str | None
    received_at: datetime
    machine: Machine
    item_version: int
    label: Label | None
    version: int
    kind: str | None
    reviewer: str | None
    reviewed_at: datetime | None
    natural: bool


def pages(
    database: Database, actor: Actor, wanted: Wanted, size: int = _PAGE
) -> Iterator[list[Exported]]:
    """All of it that exists for the actor; what comes in meanwhile is left out.

    Raises:
        StoreError: the database cannot be used now.
    """
    with database.read() as connection:
        last = connection.scalar(select(func.max(items.c.message_id))) or 0
    after = 0
    while after < last:
        with database.read() as connection:
            found = _page(connection, actor, wanted, after, min(after + _SPAN, last), size)
        after = found[-1].message_id if len(found) == size else min(after + _SPAN, last)
        if found:
            yield found


def _page(
    connection: Connection, actor: Actor, wanted: Wanted, after: int, last: int, size: int
) -> list[Exported]:
    within = (items.c.message_id > after, items.c.message_id <= last)
    query = (
        select(*_COLUMNS)
        .join(messages, messages.c.id == items.c.message_id)
        .join(decisions, decisions.c.id == items.c.decision_id)
        .where(*within, messages.c.text.is_not(None), visible(actor), *_conditions(wanted))
        .order_by(items.c.message_id)
        .limit(size)
    )
    rows = connection.execute(query).all()
    given = holding(connection, [row.message_id for row in rows if row.done])
    return [_exported(row, given.get(row.message_id)) for row in rows]


def _conditions(wanted: Wanted) -> Iterator[ColumnElement[bool]]:
    if not wanted.unlabelled:
        yield items.c.done
    at = func.coalesce(items.c.reviewed_at, items.c.received_at, type_=items.c.received_at.type)
    if wanted.since is not None:
        yield at >= wanted.since
    if wanted.until is not None:
        yield at < wanted.until
    if wanted.classes:
        own = and_(~items.c.is_nothing, items.c.department.in_(sorted(wanted.classes)))
        yield or_(own, items.c.is_nothing) if NONE in wanted.classes else own


def holding(connection: Connection, numbers: Collection[int]) -> dict[int, Any]:
    """The correction (version and kind) whose label each of these messages has now."""
    if not numbers:
        return {}
    rows = connection.execute(
        select(
            corrections.c.id,
            corrections.c.message_id,
            corrections.c.version,
            corrections.c.kind,
            corrections.c.undoes,
        )
        .where(corrections.c.message_id.in_(numbers))
        .order_by(corrections.c.message_id, corrections.c.version)
    ).all()
    undone = {row.undoes for row in rows}
    return {row.message_id: row for row in rows if row.kind != "undo" and row.id not in undone}


def _exported(row: Any, given: Any) -> Exported:
    machine = Machine(
        label=label(row.machine_department, row.machine_urgent, row.machine_reasons),
        second=row.machine_second,
        confidence=row.machine_confidence,
        urgency_score=row.machine_urgency_score,
        asked=ReviewReason.NOTHING_TO_HANDLE.value in row.machine_review_reasons,
        model=row.machine_model,
        rulebook=row.machine_rulebook,
        normaliser=row.machine_normaliser,
    )
    return Exported(
        message_id=row.message_id,
        reference=row.reference,
        title=row.title,
        text=row.text,
        channel=row.channel,
        received_at=row.received_at,
        machine=machine,
        item_version=row.version,
        label=item_label(row) if given else None,
        version=given.version if given else 0,
        kind=given.kind if given else None,
        reviewer=row.reviewer if given else None,
        reviewed_at=row.reviewed_at if given else None,
        natural=is_sampled(row.message_id),
    )
