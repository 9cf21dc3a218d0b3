"""Many people edit a few messages at once: nobody overwrites what they have not seen.

`EDIT_CLIENTS=200 EDITS=50` is the whole of it (`make edits`); without, it is a small one.
"""

from __future__ import annotations

import itertools
import os
import random
import threading
from dataclasses import dataclass, field

from sqlalchemy import func, select

from serving.store.actors import Role, user
from serving.store.items import history, load
from serving.store.labels import Label
from serving.store.opening import Store
from serving.store.reviews import ConflictError, Verdict, decide
from serving.store.tables import audit, corrections
from tests.store.people import LEAD, NOW, new_id
from tests.store.records import stored
from triage.labels import CLASSES, REASONS

CLIENTS = int(os.environ.get("EDIT_CLIENTS", "16"))
EDITS = int(os.environ.get("EDITS", "10"))
MESSAGES = 5
# As many as the service has threads for them; the others wait.
DESKS = threading.BoundedSemaphore(24)


@dataclass
class Client:
    """Somebody who looks at a message, decides on the version that was seen, and looks again.

    Sometimes the answer is lost, and the same decision is sent again.
    """

    name: str
    acknowledged: dict[str, tuple[int, int, Label]] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)
    fault: BaseException | None = None

    def work(self, store: Store, numbers: list[int]) -> None:
        try:
            chosen, actor = random.Random(self.name), user(self.name, Role.LEAD, [])
            for _ in range(EDITS):
                number = chosen.choice(numbers)
                with DESKS, store.database.read() as connection:
                    version = load(connection, actor, number, NOW).version
                reason = (chosen.choice(REASONS),) if chosen.random() < 0.5 else ()
                label = Label(chosen.choice(CLASSES), bool(reason), reason)
                given = Verdict(new_id(), label)
                try:
                    for _ in range(chosen.choice((1, 1, 2))):  # the first answer was lost
                        with DESKS, store.database.write() as connection:
                            after = decide(
                                connection, store.audit, actor, number, version, given, NOW
                            )
                        told = (number, after, label)
                        assert self.acknowledged.setdefault(given.id, told) == told
                        assert after == version + 1
                except ConflictError as error:
                    assert error.latest is not None  # noqa: PT017
                    assert error.version == error.latest.version > version  # noqa: PT017
                    self.refused.add(given.id)
        except BaseException as error:
            self.fault = error


def test_every_edit_is_kept_once_and_none_is_overwritten_unseen(store: Store) -> None:
    numbers = stored(store, *["欠我三万元不还"] * MESSAGES)
    clients = [Client(f"p{turn}") for turn in range(CLIENTS)]
    threads = [threading.Thread(target=client.work, args=(store, numbers)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [client.fault for client in clients if client.fault] == []

    acknowledged = {name: told for client in clients for name, told in client.acknowledged.items()}
    refused = set().union(*(client.refused for client in clients))
    assert len(acknowledged) + len(refused) == CLIENTS * EDITS
    assert acknowledged
    assert refused  # or nobody met anybody, and it shows nothing
    total = 0
    for number in numbers:
        with store.database.read() as connection:
            item = load(connection, LEAD, number, NOW)
            made = history(connection, number, most=CLIENTS * EDITS)
        total += len(made)
        # Each was made of the one before it, and the last is what holds.
        assert [one.version for one in made] == list(range(item.version, 0, -1))
        for after, before in itertools.pairwise(made):
            assert after.before == before.label
        assert item.label == made[0].label
        for one in made:
            assert acknowledged[one.id] == (number, one.version, one.label)
    assert total == len(acknowledged)
    with store.database.read() as connection:
        assert not refused & set(connection.scalars(select(corrections.c.id)))
        assert connection.scalar(select(func.count()).select_from(audit)) == total
        assert store.audit.verify(connection).fault is None
