"""People's decisions. Each is one more row of `corrections`; none is changed or removed.

A decision names the version of the item that its maker saw. Where that is no longer the item's, it
is refused with what was decided meanwhile: nothing is overwritten unseen. A decision that comes
again with its id (a lost answer, a second click) is the same one.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from serving.store import leases
from serving.store.actors import Actor
from serving.store.audit import Audit
from serving.store.errors import NotFoundError
from serving.store.items import Correction, correction
from serving.store.labels import agrees
from serving.store.tables import corrections
from serving.store.undoing import below, undoable
from serving.store.verdicts import (
    ConflictError,
    ReusedError,
    Verdict,
    conflict,
    earlier,
    hold,
    record,
)

__all__ = ["ConflictError", "ReusedError", "Verdict", "decide", "undo", "undoable"]


def decide(
    connection: Connection,
    audit: Audit,
    actor: Actor,
    message_id: int,
    version: int,
    verdict: Verdict,
    now: datetime,
    cluster_id: int | None = None,
) -> int:
    """Record what a person decided, in one writing transaction; returns the item's new version.

    Raises:
        LabelError: no label can be like this.
        NotFoundError: no such message for this actor.
        ConflictError: the item is not at `version`.
        ReusedError: the id was used for something else.
    """
    verdict.label.check()
    if before := earlier(connection, actor, verdict.id):
        return _same(before, message_id, verdict)
    held = hold(connection, actor, message_id)
    # Whoever holds the item sees what was committed before it: a twin that raced is found now.
    if before := earlier(connection, actor, verdict.id):
        return _same(before, message_id, verdict)
    if held.item.version != version:
        raise conflict(connection, held, "the message was changed meanwhile")
    row: dict[str, Any] = {
        **verdict.label.columns(),
        "id": verdict.id,
        "kind": "agree" if agrees(verdict.label, held.decision) else "correct",
        "note": verdict.note,
        "cluster_id": cluster_id,
    }
    # Who decides has seen it, also where it was one of a whole group or came from elsewhere.
    seen = held.item.first_seen_at or now
    state = {"done": True, "reviewer": actor.name, "reviewed_at": now, "first_seen_at": seen}
    after = record(connection, audit, actor, held, row, state, now)
    leases.release(connection, actor, message_id)
    return after


def undo(
    connection: Connection,
    audit: Audit,
    actor: Actor,
    correction_id: str,
    undoes: str,
    now: datetime,
) -> tuple[int, int]:
    """Take back one of the own last ten decisions: the label before it holds again.

    Returns the message and its new version. `correction_id` is a new UUID, for repeats.

    Raises:
        NotFoundError: no such decision of this actor.
        ConflictError: somebody decided after it, it was taken back, or it is too long ago.
        ReusedError: the id was used for something else.
    """
    if before := earlier(connection, actor, correction_id):
        return _same_undo(before, undoes)
    own = select(corrections).where(corrections.c.id == undoes, corrections.c.actor == actor.name)
    found = connection.execute(own.where(corrections.c.kind != "undo")).one_or_none()
    if found is None:
        raise NotFoundError("there is no such decision of yours")
    held = hold(connection, actor, found.message_id)
    if before := earlier(connection, actor, correction_id):
        return _same_undo(before, undoes)
    if undoes not in [decision.id for decision in undoable(connection, actor)]:
        raise conflict(connection, held, "the decision cannot be taken back any more")
    taken = correction(found)
    last = below(connection, taken)
    row = {**taken.before.columns(), "id": correction_id, "kind": "undo", "undoes": undoes}
    state = {
        "done": taken.was_done,
        "reviewer": last and last.actor,
        "reviewed_at": last and last.at,
    }
    return taken.message_id, record(connection, audit, actor, held, row, state, now)


def _same(before: Correction, message_id: int, verdict: Verdict) -> int:
    told = (before.message_id, before.undoes, before.label, before.note)
    if told != (message_id, None, verdict.label, verdict.note):
        raise ReusedError
    return before.version


def _same_undo(before: Correction, undoes: str) -> tuple[int, int]:
    if before.undoes != undoes:
        raise ReusedError
    return before.message_id, before.version
