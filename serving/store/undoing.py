"""Which decisions can be taken back: the corrections of a message are a stack.

A decision puts a label on it, an undo takes the topmost off. Only what is on top can be taken off.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import ColumnElement, Connection, Table, exists, select
from sqlalchemy.sql.selectable import NamedFromClause

from serving.store.actors import Actor
from serving.store.items import Correction, correction
from serving.store.tables import corrections

DEPTH: Final = 10
"""How many of one's own decisions can be taken back."""


def undoable(connection: Connection, actor: Actor) -> list[Correction]:
    """Those of the actor's last ten decisions that hold now, the newest first."""
    own = (
        select(corrections)
        .where(corrections.c.actor == actor.name, corrections.c.kind != "undo")
        .order_by(corrections.c.at.desc(), corrections.c.version.desc())
        .limit(DEPTH)
        .subquery("own")
    )
    later = corrections.alias("later")
    covered = exists().where(
        later.c.message_id == own.c.message_id, later.c.version > own.c.version, _holds(later)
    )
    rows = connection.execute(
        select(own).where(_holds(own), ~covered).order_by(own.c.at.desc(), own.c.version.desc())
    )
    return [correction(row) for row in rows]


def below(connection: Connection, given: Correction) -> Correction | None:
    """The decision that holds when `given` is taken off; None: the machine's."""
    row = connection.execute(
        select(corrections)
        .where(
            corrections.c.message_id == given.message_id,
            corrections.c.version < given.version,
            _holds(corrections),
        )
        .order_by(corrections.c.version.desc())
        .limit(1)
    ).one_or_none()
    return None if row is None else correction(row)


def _holds(given: Table | NamedFromClause) -> ColumnElement[bool]:
    """Condition: a decision that is still on the stack."""
    undo = corrections.alias(f"undo_of_{given.name}")
    return (given.c.kind != "undo") & ~exists().where(undo.c.undoes == given.c.id)
