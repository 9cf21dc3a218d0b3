"""Very many messages at once, to measure the store with: composed, their decisions copied.

Only the invented messages are classified. Each of the many has the decision of one of them and a
text of its own, composed of clauses of all: searching and listing cost as with real ones. Evidence
is left out, because it would point into another text.
"""

from __future__ import annotations

import itertools
import random
import re
import uuid
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, bindparam, insert, select, update

from serving.demo import demo_messages
from serving.demo_office import CALLER, Classifier
from serving.store.actors import COMMAND
from serving.store.intake import Record, insert_messages
from serving.store.opening import Store
from serving.store.tables import corrections, items
from triage.types import Decision, Message

_BATCH: Final = 2_000
_DAYS: Final = 365
_SEED: Final = 11
_CLAUSE: Final = re.compile(r"[^，。！？；\n]{2,}[，。！？；]?")
_CHANNELS: Final = ("12309", "e站小程序", "检察服务大厅", "来信", None)
_JUDGED: Final = 4
"""One in so many was judged by a person."""
_REVIEWERS: Final = 12
_MATTER: Final = 40
"""One in so many is about the same matter as the one before it."""

Told = Callable[[int], None]


def fill_many(
    store: Store,
    classifier: Classifier,
    count: int,
    now: datetime,
    told: Told,
    batch: int = _BATCH,
) -> None:
    """Store `count` messages of the last year; `told` hears how many there are so far."""
    rng = random.Random(_SEED)
    made = _composed(classifier, rng, count, now)
    done = 0
    while done < count:
        records = list(itertools.islice(made, batch))
        with store.database.write() as connection:
            numbers = insert_messages(connection, store.calendar, records)
            _judge(connection, numbers, rng)
            store.audit.append(connection, COMMAND.name, "demo", "", messages=len(numbers))
        done += len(numbers)
        told(done)


def _composed(
    classifier: Classifier, rng: random.Random, count: int, now: datetime
) -> Iterator[Record]:
    patterns = [(message, _bare(classifier.classify(message))) for message in demo_messages(now)]
    bodies = [decision.model_dump_json() for _, decision in patterns]
    clauses = [clause for message, _ in patterns for clause in _CLAUSE.findall(message.text)]
    step = timedelta(days=_DAYS) / count
    for number in range(count):
        place = rng.randrange(len(patterns))
        message, decision = patterns[place]
        length = 1 + min(int(rng.expovariate(0.12)), 60)
        own = Message(
            title=message.title,
            text="".join(rng.choices(clauses, k=length)),
            channel=rng.choice(_CHANNELS),
        )
        at = now - timedelta(days=_DAYS) + step * number
        yield Record(CALLER, own, decision, bodies[place], at)


def _bare(decision: Decision) -> Decision:
    return decision.model_copy(update={"id": None, "evidence": ()})


def _judge(connection: Connection, numbers: list[int], rng: random.Random) -> None:
    """Give every message its matter, and one in a few a decision of a person: rows in bulk."""
    query = select(items.c.message_id, items.c.decision_id, items.c.department, items.c.urgent,
                   items.c.reasons, items.c.received_at)  # fmt: skip
    rows = connection.execute(
        query.where(items.c.message_id.between(numbers[0], numbers[-1])).order_by(
            items.c.message_id
        )
    ).all()
    given: list[dict[str, Any]] = []
    judged: list[dict[str, Any]] = []
    matters: list[dict[str, Any]] = []
    matter = rows[0].message_id
    for place, row in enumerate(rows):
        if rng.randrange(_MATTER):
            matter = row.message_id
        matters.append({"number": row.message_id, "matter": matter})
        if place % _JUDGED == 0:
            at = row.received_at + timedelta(minutes=rng.randint(1, 4_000))
            actor = f"user:reviewer-{rng.randrange(_REVIEWERS):02}"
            given.append(_correction(row, actor, at, agreed=bool(rng.randrange(10))))
            judged.append({"number": row.message_id, "at": at, "actor": actor,
                           "department": given[-1]["department"]})  # fmt: skip
    one = items.c.message_id == bindparam("number")
    connection.execute(update(items).where(one).values(cluster_id=bindparam("matter")), matters)
    connection.execute(insert(corrections), given)
    done = update(items).where(one)
    done = done.values(
        version=1,
        done=True,
        department=bindparam("department"),
        first_seen_at=bindparam("at"),
        reviewed_at=bindparam("at"),
        reviewer=bindparam("actor"),
        replied_at=bindparam("at"),
    )
    connection.execute(done, judged)


def _correction(row: Any, actor: str, at: datetime, *, agreed: bool) -> dict[str, Any]:
    label = {"department": row.department, "urgent": row.urgent, "reasons": row.reasons}
    department = row.department if agreed else "complaints"
    return {
        "id": str(uuid.uuid4()),
        "message_id": row.message_id,
        "version": 1,
        "decision_id": row.decision_id,
        "actor": actor,
        "at": at,
        "kind": "agree" if agreed else "correct",
        "before": {**label, "done": False},
        **label,
        "department": department,
    }
