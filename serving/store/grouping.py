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
from serving.store.opening import Store
from serving.store.reviews import Verdict, decide
from serving.store.tables import corrections, items
from serving.store.visibility import visible

PAGE: Final = 50
"""Messages in one transaction: intake waits for no more than these."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """What came of it: how many have the correction, were done before, or were done by somebody
    else at the same moment. `after` is the last message that was looked at; None: that was all.
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
    page = select(items.c.message_id, items.c.done).where(*within, items.c.message_id > after)
    rows = connection.execute(page.order_by(items.c.message_id).limit(most)).all()
    own = {row.message_id: correction_id(verdict.id, row.message_id) for row in rows}
    given = select(corrections.c.id).where(corrections.c.id.in_(own.values()))
    again = set(connection.scalars(given))
    held = lock(connection, actor, list(own))
    labelled = skipped = conflicted = 0
    for row in rows:
        key, item = own[row.message_id], held.get(row.message_id)
        if key in again or (item is not None and not item.done):
            # One that was given before is found by its id, whatever the version is now.
            version = item.version if item else 0
            one = replace(verdict, id=key)
            decide(connection, audit, actor, row.message_id, version, one, now, cluster_id)
            labelled += 1
        elif row.done:
            skipped += 1
        else:
            conflicted += 1
    return Labelled(
        labelled, skipped, conflicted, rows[-1].message_id if len(rows) == most else None
    )


def label_all(
    store: Store, actor: Actor, cluster_id: int, verdict: Verdict, now: datetime
) -> Labelled:
    """Label all of it, some in each transaction. Ended in the middle, it is sent again as it was.

    Raises:
        LabelError, NotFoundError, ReusedError: see `label_some`.
    """
    total = Labelled(0, 0, 0, 0)
    while total.after is not None:
        with store.database.write() as connection:
            total += label_some(
                connection, store.audit, actor, cluster_id, verdict, now, total.after
            )
    return total
