"""Whose messages are whose: the one condition that every query on `items` carries."""

from __future__ import annotations

from sqlalchemy import ColumnElement, or_

from serving.store.actors import Actor
from serving.store.tables import items


def visible(actor: Actor) -> ColumnElement[bool]:
    """Condition: the message exists for this actor.

    Those of the own departments, and what the actor was the last to judge: so that who has sent a
    message to another department by mistake can take that back.
    """
    own = items.c.department.in_(sorted(actor.departments))
    return or_(own, items.c.reviewer == actor.name)
