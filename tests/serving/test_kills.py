"""`kill -9` of the service while people work: what was acknowledged is there, once.

`KILLS=50` is the whole of it (`make kills`), and every restart takes at most five seconds then;
without, there are three.
"""

from __future__ import annotations

import os
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy import func, select

from serving.store.actors import Permission, Role
from serving.store.opening import Store, open_store
from serving.store.tables import audit, corrections, items
from serving.store.users import first_admin
from tests.serving.process import free_port, running
from tests.serving.reviewing import decide, key, session, verdict
from tests.store.people import new_id
from tests.store.postgres import KINDS, fresh_url
from tests.store.records import stored

KILLS = int(os.environ.get("KILLS", "1"))
REVIEWERS = 20
RESTART_SECONDS = 5.0


@dataclass
class Reviewer:
    """Decides and takes back without a pause; asks again with the same id until it is answered."""

    name: str
    headers: dict[str, str]
    url: str
    numbers: list[int]
    sent: set[str] = field(default_factory=set)
    acknowledged: dict[str, tuple[int, int]] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)
    repeats: int = 0
    fault: BaseException | None = None

    def work(self, over: threading.Event) -> None:
        try:
            chosen = random.Random(self.name)
            with httpx2.Client(base_url=self.url, timeout=30.0) as client:
                while not over.is_set():
                    self.judge(client, chosen)
                    time.sleep(0.02)
        except BaseException as error:
            self.fault = error

    def judge(self, client: httpx2.Client, chosen: random.Random) -> None:
        number = chosen.choice(self.numbers)
        seen = self.until_answered(
            lambda: client.get(f"/v1/messages/{number}", headers=self.headers)
        )
        body = verdict(chosen.choice(("civil", "administrative", "none")))
        if not self.told(
            body["id"],
            lambda: decide(client, self.headers, number, seen.json()["version"], body),
        ):
            return
        if chosen.random() < 0.3:
            undo = {"id": new_id(), "undoes": body["id"]}
            self.told(
                undo["id"],
                lambda: client.post("/v1/reviews/undo", json=undo, headers=self.headers),
            )

    def told(self, name: str, ask: Any) -> bool:
        """Whether it was acknowledged."""
        self.sent.add(name)
        answer = self.until_answered(ask)
        if answer.status_code == 412:
            self.refused.add(name)
            return False
        assert answer.status_code == 200, answer.text
        told = answer.json()
        self.acknowledged[name] = (told["message_id"], told["version"])
        return True

    def until_answered(self, ask: Any) -> Any:
        while True:
            try:
                answer = ask()
            except httpx2.TransportError:
                pass
            else:
                if answer.status_code < 500:
                    return answer
            self.repeats += 1
            time.sleep(0.2)


def lives(port: int, state: Path, url: str, finish: Callable[[], None]) -> list[float]:
    """Start the service and kill it, so many times and once more; how long each start took."""
    chosen, took = random.Random(8), []
    command = (sys.executable, "-m", "tests.serving.serve_command", "--port", str(port))
    given = {"TRIAGE_STATE": str(state), "TRIAGE_DATABASE": url, "TRIAGE_WORKERS": "1"}
    for turn in range(KILLS + 1):
        began = time.monotonic()
        with running(*command, port=port, **given) as server:
            server.wait("/readyz")
            took.append(time.monotonic() - began)
            time.sleep(chosen.uniform(0.3, 1.0))
            if turn < KILLS:
                server.process.kill()
                server.process.wait()
            else:
                finish()
                server.stop()
    return took


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_acknowledged_is_there_once(kind: str, tmp_path: Path) -> None:
    url, port = fresh_url(kind, tmp_path), free_port()
    store = open_store(tmp_path, url=url)
    assert store is not None
    numbers = stored(store, *["欠我三万元不还"] * 60)
    reviewers = [
        Reviewer(
            f"r{turn}",
            session(store, f"r{turn}", Role.LEAD)
            if turn % 2
            else key(store, f"r{turn}", Permission.REVIEW),
            f"http://127.0.0.1:{port}",
            numbers,
        )
        for turn in range(REVIEWERS)
    ]
    first_admin(store)  # the service would make one
    before = records(store)
    over = threading.Event()
    threads = [threading.Thread(target=one.work, args=(over,), daemon=True) for one in reviewers]
    for thread in threads:
        thread.start()

    def finish() -> None:
        over.set()
        for thread in threads:
            thread.join()

    took = lives(port, tmp_path, url, finish)
    assert [one.fault for one in reviewers if one.fault] == []
    assert all(one.acknowledged for one in reviewers)
    assert sum(one.repeats for one in reviewers) >= KILLS  # or nobody noticed
    check(store, reviewers, before)
    store.close()
    if "KILLS" in os.environ:  # else the machine does other things as well
        assert max(took) <= RESTART_SECONDS, took


def records(store: Store) -> int:
    with store.database.read() as connection:
        return connection.scalar(select(func.count()).select_from(audit)) or 0


def check(store: Store, reviewers: list[Reviewer], before: int) -> None:
    with store.database.read() as connection:
        kept = {
            row.id: (row.message_id, row.version) for row in connection.execute(select(corrections))
        }
        versions = dict(connection.execute(select(items.c.message_id, items.c.version)).all())  # type: ignore[arg-type]
        verified = store.audit.verify(connection)
    acknowledged = {name: told for one in reviewers for name, told in one.acknowledged.items()}
    assert {name: kept.get(name) for name in acknowledged} == acknowledged
    refused = set().union(*(one.refused for one in reviewers))
    sent = set().union(*(one.sent for one in reviewers))
    assert not refused & set(kept)
    assert set(kept) == sent - refused  # all are answered in the end
    found = Counter(number for number, _ in kept.values())
    assert {number: found[number] for number in versions} == versions
    assert verified.fault is None
    assert verified.records == before + len(kept)
