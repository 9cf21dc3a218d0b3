"""Whose messages are whose: the one condition that every query on `items` carries."""

from __future__ import annotations

from sqlalchemy import ColumnElement, exists, or_

from serving.store.actors import Actor
from serving.store.tables import corrections, items


def visible(actor: Actor) -> ColumnElement[bool]:
    """Condition: the message exists for this actor.

    Those of the own departments, and what the actor was the last to judge: so that who has sent a
    message to another department by mistake can take that back.
    """
    own = items.c.department.in_(sorted(actor.departments))
    return or_(own, items.c.reviewer == actor.name)


def decidable(actor: Actor) -> ColumnElement[bool]:
    """Condition: the actor may decide on it.

    Beside what is visible, what the last decision took out of the own departments: who was at it
    still is to see both decisions, and chooses.
    """
    before = corrections.c.before["department"].as_string()
    taken = exists().where(
        corrections.c.message_id == items.c.message_id,
        corrections.c.version == items.c.version,
        before.in_(sorted(actor.departments)),
    )
    return or_(visible(actor), taken)
