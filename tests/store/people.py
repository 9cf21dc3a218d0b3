"""Who reviews in the tests, and how they decide."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from serving.store.actors import Actor, Role, user
from serving.store.items import Item, load
from serving.store.labels import Label
from serving.store.opening import Store
from serving.store.reviews import Verdict, decide, undo
from tests.store.records import AT
from triage.types import Department, Reason

NOW = AT + timedelta(hours=3)
LI = user("li", Role.REVIEWER, [Department.CIVIL])
WANG = user("wang", Role.REVIEWER, [Department.CIVIL, Department.PUBLIC_INTEREST])
ZHAO = user("zhao", Role.REVIEWER, [Department.ADMINISTRATIVE])
LEAD = user("chen", Role.LEAD, [])

CIVIL = Label("civil", False, ())
ADMINISTRATIVE = Label("administrative", False, ())
URGENT = Label("civil", True, (Reason.LIVELIHOOD,))
NOTHING = Label("none", False, ())


def new_id() -> str:
    return str(uuid.uuid4())


def judged(
    store: Store,
    actor: Actor,
    number: int,
    version: int,
    label: Label,
    verdict_id: str | None = None,
    *,
    note: str | None = None,
    now: datetime = NOW,
) -> str:
    """Decide in a transaction of its own; the id of the correction."""
    given = Verdict(verdict_id or new_id(), label, note)
    with store.database.write() as connection:
        after = decide(connection, store.audit, actor, number, version, given, now)
    assert after == version + 1
    return given.id


def taken_back(store: Store, actor: Actor, undoes: str) -> tuple[int, int]:
    """Undo in a transaction of its own."""
    with store.database.write() as connection:
        return undo(connection, store.audit, actor, new_id(), undoes, NOW)


def seen(store: Store, actor: Actor, number: int, now: datetime = NOW) -> Item:
    with store.database.read() as connection:
        return load(connection, actor, number, now)
