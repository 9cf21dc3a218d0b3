"""Workers that die or hang, and a stop under load: the real service, the real model, real signals.

Limits of time are those that the service promises.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.messages import mixed
from tests.serving.load import Load
from tests.serving.process import PATIENCE, Server, alive, serving, serving_fakes, until
from triage.pipeline import Pipeline
from triage.types import Message

MESSAGES = mixed(60)
SEEN_SECONDS = 5.0
REPLACED_SECONDS = 30.0
ALIVE_SECONDS = 1.0


@pytest.fixture(scope="module")
def expected() -> list[bytes]:
    pipeline = Pipeline.load()
    return [pipeline.classify(Message(**m)).model_dump_json().encode() for m in MESSAGES]


@pytest.fixture(scope="module")
def shared() -> Iterator[Server]:
    with serving(TRIAGE_WORKERS="2", TRIAGE_QUEUE_SECONDS="60") as started:
        yield started


@pytest.fixture
def server(shared: Server) -> Server:
    """The shared one, whole."""
    until(lambda: ready(shared) == 2)
    return shared


def ready(server: Server) -> int:
    """How many workers `/readyz` says are ready."""
    return int(server.client.get("/readyz").json().get("ready", 0))


def whole_without(server: Server, gone: set[int]) -> bool:
    """Whether there are two workers, none of them `gone`, and the service knows them."""
    workers = set(server.workers())
    return len(workers) == 2 and not gone & workers and ready(server) == 2


def seen_stuck(server: Server) -> set[int]:
    return {line["pid"] for line in server.log() if line["message"] == "worker is stuck"}


class Heartbeat:
    """Asks `/livez` all along; `slowest` is the longest that it took."""

    def __init__(self, server: Server) -> None:
        self._url, self._over = server.url, threading.Event()
        self._thread = threading.Thread(target=self._ask)
        self.slowest, self.asked = 0.0, 0

    def _ask(self) -> None:
        with httpx2.Client(base_url=self._url, timeout=PATIENCE) as client:
            while not self._over.wait(0.05):
                began = time.monotonic()
                assert client.get("/livez").status_code == 200
                self.slowest = max(self.slowest, time.monotonic() - began)
                self.asked += 1

    def __enter__(self) -> Heartbeat:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()


def all_right(load: Load, expected: list[bytes]) -> None:
    assert {sent.status for sent in load.sent} == {200}
    for sent in load.sent:
        assert sent.body == expected[sent.message]


def test_killed_workers_lose_no_message(server: Server, expected: list[bytes]) -> None:
    with Load(server.url, MESSAGES) as load:
        for _ in range(3):
            load.more(20)
            victim = server.workers()[0]
            os.kill(victim, signal.SIGKILL)
            until(lambda victim=victim: whole_without(server, {victim}))
        load.more(20)
    all_right(load, expected)


@pytest.mark.parametrize("stuck", [1, 2])
def test_stuck_workers_are_seen_and_replaced(
    server: Server, expected: list[bytes], stuck: int
) -> None:
    victims = set(server.workers()[:stuck])
    with Heartbeat(server) as heart:
        for victim in victims:
            os.kill(victim, signal.SIGSTOP)
        began = time.monotonic()
        # A new one is there in milliseconds: `/readyz` may never have had to say less than two.
        until(lambda: seen_stuck(server) >= victims, SEEN_SECONDS)
        until(lambda: whole_without(server, victims), REPLACED_SECONDS)
        assert time.monotonic() - began < REPLACED_SECONDS
    assert heart.asked
    assert heart.slowest < ALIVE_SECONDS
    assert not any(map(alive, victims))
    answer = server.client.post("/v1/classify", json=MESSAGES[0])
    assert answer.content == expected[0]


def test_what_lay_at_a_stuck_worker_is_done_by_another(
    server: Server, expected: list[bytes]
) -> None:
    with Load(server.url, MESSAGES) as load:
        load.more(20)
        victim = server.workers()[1]
        os.kill(victim, signal.SIGSTOP)
        until(lambda: whole_without(server, {victim}), REPLACED_SECONDS)
        load.more(20)
    all_right(load, expected)


def test_a_pause_of_the_service_itself_costs_no_worker() -> None:
    with serving_fakes("obedient", TRIAGE_WORKERS="1", TRIAGE_BUNDLE=os.devnull) as server:
        before = server.workers()
        answers: list[int] = []

        def ask() -> None:
            body = {"text": "工地整天扬尘", "channel": "sleep 1"}
            answers.append(server.client.post("/v1/classify", json=body).status_code)

        asking = threading.Thread(target=ask)
        asking.start()
        time.sleep(0.5)
        os.kill(server.process.pid, signal.SIGSTOP)
        time.sleep(4.5)
        os.kill(server.process.pid, signal.SIGCONT)
        asking.join()
        assert answers == [200]
        time.sleep(1.0)
        assert server.workers() == before
        assert ready(server) == 1


def test_a_worker_whose_files_changed_does_not_join(tmp_path: Path) -> None:
    version = tmp_path / "version"
    version.write_text("one", encoding="utf-8")
    with serving_fakes("versioned", TRIAGE_WORKERS="2", TRIAGE_BUNDLE=str(version)) as server:
        before, workers = server.fork_servers(), server.workers()
        version.write_text("two", encoding="utf-8")
        # The fork server remembers what it loaded.
        os.kill(workers[0], signal.SIGKILL)
        until(lambda: whole_without(server, {workers[0]}))
        assert server.fork_servers() == before
        # A new one would not; the workers that are left go on.
        for pid in (*before, workers[1]):
            os.kill(pid, signal.SIGKILL)
        until(lambda: any(line["message"] == "worker not started" for line in server.log()))
        assert ready(server) == 1
        answer = server.client.post("/v1/classify", json={"text": "工地整天扬尘"}).json()
        assert answer["versions"]["model"] == "one"
        version.write_text("one", encoding="utf-8")
        until(lambda: ready(server) == 2)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
def test_a_fork_server_that_died_or_hangs_is_replaced_when_it_is_needed(how: int) -> None:
    with serving_fakes("plain", TRIAGE_WORKERS="2") as server:
        (parent,), (victim, other) = server.fork_servers(), server.workers()
        os.kill(parent, how)
        # One worker hangs and cannot be ended by its parent.
        os.kill(victim, signal.SIGSTOP)
        until(lambda: ready(server) == 1, SEEN_SECONDS)
        until(lambda: ready(server) == 2, REPLACED_SECONDS)
        assert server.client.post("/v1/classify", json={"text": "工地整天扬尘"}).status_code == 200
        assert alive(other)
        os.kill(victim, signal.SIGKILL)
        assert server.stop() in (0, -signal.SIGTERM)
        assert not any(map(alive, (parent, other)))


def test_a_stop_under_load_answers_all_that_was_let_in(expected: list[bytes]) -> None:
    with serving(TRIAGE_WORKERS="2", TRIAGE_QUEUE_SECONDS="60") as server:
        with Load(server.url, MESSAGES, clients=12) as load:
            load.more(50)
            assert server.stop() in (0, -signal.SIGTERM)
        answered = {sent.request_id: sent for sent in load.sent if sent.status}
        for line in server.log():
            if str(line.get("request_id", "")).startswith("load-"):
                sent = answered.pop(line["request_id"])
                assert line["status"] == sent.status == 200
                assert sent.body == expected[sent.message]
        assert not answered
