"""What a person says of a message, and how it becomes one more row of `corrections`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update

from serving.store.actors import Actor
from serving.store.audit import Audit
from serving.store.deadlines import local_day
from serving.store.engine import insert_or
from serving.store.errors import NotFoundError, StoreError
from serving.store.intake import is_sampled, storable
from serving.store.items import Correction, correction, history
from serving.store.labels import Label, item_label, label
from serving.store.tables import corrections, decisions, items
from serving.store.visibility import decidable


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a person says of a message; `id` is a UUID that the client made for it."""

    id: str
    label: Label
    note: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "note", storable(self.note) if self.note else None)


class ConflictError(StoreError):
    """Somebody was there before. `version` is the item's; `latest` the correction that made it."""

    code = "conflict"

    def __init__(self, detail: str, version: int, latest: Correction | None) -> None:
        super().__init__(detail)
        self.version = version
        self.latest = latest


class ReusedError(StoreError):
    """The id belongs to another decision."""

    code = "reused_id"

    def __init__(self) -> None:
        super().__init__("the id belongs to another decision; make a new one")


@dataclass(frozen=True, slots=True)
class Held:
    """An item that nobody else can change until the transaction ends, and its decision: rows."""

    item: Any
    decision: Any


def hold(connection: Connection, actor: Actor, message_id: int) -> Held:
    """Hold an item.

    Raises:
        NotFoundError: no such message for this actor.
    """
    own = items.c.message_id == message_id
    # First the lock, then who may: a condition in one query with it would not see a decision that
    # was waited for.
    connection.execute(select(items.c.message_id).where(own).with_for_update())
    item = connection.execute(select(items).where(own, decidable(actor))).one_or_none()
    if item is None:
        raise NotFoundError("there is no such message")
    made = select(decisions).where(decisions.c.id == item.decision_id)
    return Held(item, connection.execute(made).one())


def conflict(connection: Connection, held: Held, detail: str) -> ConflictError:
    """The error that says what holds now."""
    newest = history(connection, held.item.message_id, most=1)
    return ConflictError(detail, held.item.version, newest[0] if newest else None)


def earlier(connection: Connection, actor: Actor, correction_id: str) -> Correction | None:
    """The decision with this id, where it was recorded before.

    Raises:
        ReusedError: it is somebody else's.
    """
    row = connection.execute(
        select(corrections).where(corrections.c.id == correction_id)
    ).one_or_none()
    if row is not None and row.actor != actor.name:
        raise ReusedError
    return None if row is None else correction(row)


def record(
    connection: Connection,
    audit: Audit,
    actor: Actor,
    held: Held,
    row: dict[str, Any],
    state: dict[str, Any],
    now: datetime,
) -> int:
    """Add the correction `row` of the item, which is held; returns the item's new version.

    `row` has what a correction is beyond its place in the item's history, `state` what becomes of
    the item beyond its label.

    Raises:
        ReusedError: the id was used for another message meanwhile.
    """
    item = held.item
    version: int = item.version + 1
    before = item_label(item)
    row |= {
        "message_id": item.message_id,
        "version": version,
        "decision_id": item.decision_id,
        "actor": actor.name,
        "at": now,
        "before": {**before.columns(), "done": item.done},
    }
    statement = (
        insert_or(connection, corrections)
        .values(**row)
        .on_conflict_do_nothing(index_elements=[corrections.c.id])
    )
    if connection.scalar(statement.returning(corrections.c.id)) is None:
        raise ReusedError
    after = label(row["department"], row["urgent"], row["reasons"])
    _update(connection, held, after, {**state, "version": version})
    audit.append(
        connection,
        actor.name,
        "undo" if row["kind"] == "undo" else "decide",
        f"message:{item.message_id}",
        version=version,
        kind=row["kind"],
        before=str(before),
        after=str(after),
    )
    return version


def _update(connection: Connection, held: Held, after: Label, state: dict[str, Any]) -> None:
    item, made = held.item, held.decision
    urgent_due = local_day(item.received_at)
    changed = {
        **after.columns(),
        # Somebody must have it even where there is nothing to handle.
        "department": made.department if after.is_nothing else after.department,
        "is_nothing": after.is_nothing,
        "due_on": urgent_due if after.urgent else item.usual_due_on,
        "listed": after.urgent or made.needs_review or is_sampled(item.message_id),
    }
    connection.execute(
        update(items).where(items.c.message_id == item.message_id).values(**changed, **state)
    )
