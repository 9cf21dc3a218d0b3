"""One label for all that is open of an issue: each message gets a correction of its own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID, uuid5

from sqlalchemy import Connection, select

from serving.store.actors import Actor
from serving.store.audit import Audit
from serving.store.errors import NotFoundError
from serving.store.items import lock
from serving.store.reviews import ConflictError, Verdict, decide
from serving.store.tables import corrections, items
from serving.store.visibility import visible

PAGE: Final = 50
"""Messages in one transaction: intake waits for no more than these."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """What came of it: `labelled` have the correction, `skipped` were done before, by others or
    otherwise, `conflicted` were changed by somebody at the same moment. `after` is the last message
    that was looked at; None: there are no more.
    """

    labelled: int
    skipped: int
    conflicted: int
    after: int | None

    def __add__(self, other: Labelled) -> Labelled:
        return Labelled(
            self.labelled + other.labelled,
            self.skipped + other.skipped,
            self.conflicted + other.conflicted,
            other.after,
        )


def correction_id(verdict_id: str, message_id: int) -> str:
    """The id of one message's correction: the same when the whole is sent again."""
    return str(uuid5(UUID(verdict_id), str(message_id)))


def label_some(
    connection: Connection,
    audit: Audit,
    actor: Actor,
    cluster_id: int,
    verdict: Verdict,
    now: datetime,
    after: int = 0,
    most: int = PAGE,
) -> Labelled:
    """Label the next messages of an issue that exist for the actor, in one writing transaction.

    Raises:
        LabelError: no label can be like this.
        NotFoundError: no message of the issue exists for this actor.
        ReusedError: the verdict's id was used for something else.
    """
    verdict.label.check()
    within = (items.c.cluster_id == cluster_id, visible(actor))
    if after == 0 and connection.scalar(select(items.c.message_id).where(*within).limit(1)) is None:
        raise NotFoundError("there is no such issue")
    page = select(items.c.message_id).where(*within, items.c.message_id > after)
    numbers = list(connection.scalars(page.order_by(items.c.message_id).limit(most)))
    own = {correction_id(verdict.id, number): number for number in numbers}
    again = set(connection.scalars(select(corrections.c.id).where(corrections.c.id.in_(own))))
    held = lock(connection, actor, numbers)
    labelled = skipped = conflicted = 0
    for key, number in own.items():
        item = held.get(number)
        if key not in again and (item is None or item.done):
            skipped += 1
            continue
        version = item.version if item else 0
        try:
            # One that was given before is found by its id, whatever became of the message since.
            decide(
                connection, audit, actor, number, version, replace(verdict, id=key), now, cluster_id
            )
            labelled += 1
        except ConflictError:
            conflicted += 1
    return Labelled(labelled, skipped, conflicted, numbers[-1] if len(numbers) == most else None)
