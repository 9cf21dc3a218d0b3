"""A store filled with the invented messages, people to log in as, and some work already done."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Final, Protocol

from sqlalchemy import Connection, select

from serving.store import leases, replies, reviews, users
from serving.store.actors import COMMAND, Actor, Role, user
from serving.store.audit import Audit
from serving.store.errors import NotFoundError
from serving.store.intake import Record, insert_messages
from serving.store.labels import Label
from serving.store.opening import Store
from serving.store.passwords import generated, hashed
from serving.store.reviews import Verdict
from serving.store.tables import messages
from triage.labels import DEPARTMENTS, NONE
from triage.types import Decision, Department, Message, ReviewReason

CALLER: Final = "demo"
_DECIDED_SECONDS: Final = 2
_REVIEWED: Final = 24
_REPLIED: Final = 9
_UNLIKE: Final = 5
"""One in so many is not what the machine said."""


class Classifier(Protocol):
    """What decides; `triage.pipeline.Pipeline` does."""

    def classify(self, message: Message) -> Decision:
        """The decision on a message."""
        ...


def people() -> dict[str, tuple[Role, tuple[Department, ...], str]]:
    """Who can log in: role, departments and what people call them."""
    own = (Department.CIVIL, Department.PUBLIC_INTEREST)
    return {
        "demo-reviewer": (Role.REVIEWER, own, "演示分流员"),
        "demo-lead": (Role.LEAD, (), "演示负责人"),
    }


def has_messages(store: Store) -> bool:
    """Whether there are any."""
    with store.database.read() as connection:
        return connection.scalar(select(messages.c.id).limit(1)) is not None


def accounts(store: Store) -> dict[str, str]:
    """Make the people, or give them new passwords; returns passwords that are kept nowhere."""
    made = {name: generated() for name in people()}
    hashes = {name: hashed(password) for name, password in made.items()}
    with store.database.write() as connection:
        for name, (role, departments, shown) in people().items():
            try:
                users.by_name(connection, name)
            except NotFoundError:
                users.create(
                    connection, store.audit, COMMAND, name, role, departments, hashes[name],
                    shown=shown, must_change=False,
                )  # fmt: skip
            else:
                users.set_password(
                    connection, store.audit, COMMAND, name, hashes[name], must_change=False
                )
    return made


def fill(store: Store, classifier: Classifier, given: Iterable[Message]) -> list[int]:
    """Classify and store messages as if each had come when it says; returns their numbers."""
    records = []
    for message in given:
        decision = classifier.classify(message)
        assert message.received_at is not None
        at = message.received_at + timedelta(seconds=_DECIDED_SECONDS)
        records.append(Record(CALLER, message, decision, decision.model_dump_json(), at))
    with store.database.write() as connection:
        numbers = insert_messages(connection, store.calendar, records)
        _work(connection, store.audit, list(zip(numbers, records, strict=True)))
        store.audit.append(connection, COMMAND.name, "demo", "", messages=len(numbers))
    return numbers


def _work(connection: Connection, audit: Audit, stored: Sequence[tuple[int, Record]]) -> None:
    """Some of the older messages were looked at, judged and replied to."""
    rng = random.Random(len(stored))
    older = stored[: len(stored) // 2]
    lead, reviewer = _actors()
    chosen = sorted(rng.sample(range(len(older)), min(_REVIEWED, len(older))))
    for place, at in enumerate(chosen):
        number, record = older[at]
        now = record.at + timedelta(minutes=rng.randint(5, 600))
        leases.mark_seen(connection, number, now)
        label = _judged(record.decision, rng)
        own = record.decision.department in reviewer.departments
        actor = reviewer if own and place % 3 else lead
        verdict = Verdict(str(uuid.uuid4()), label)
        reviews.decide(connection, audit, actor, number, 0, verdict, now)
        if place < _REPLIED and not label.is_nothing:
            replied = now + timedelta(hours=rng.randint(1, 30))
            replies.mark_replied(connection, audit, actor, number, replied)


def _actors() -> list[Actor]:
    known = people()
    return [user(name, *known[name][:2]) for name in ("demo-lead", "demo-reviewer")]


def _judged(decision: Decision, rng: random.Random) -> Label:
    """What a person says: mostly what the machine did."""
    if ReviewReason.NOTHING_TO_HANDLE in decision.review_reasons:
        return Label(NONE, False, ())
    reasons = decision.urgency.reasons if decision.urgent else ()
    department = decision.department
    if rng.randrange(_UNLIKE) == 0:
        department = decision.second or rng.choice(DEPARTMENTS)
    return Label(department.value, bool(reasons), reasons)
