"""Who is refused, who waits, who is skipped: a real server whose workers do as they are told."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.serving.process import PATIENCE, Server, serving_fakes, until

SINGLE, BATCH = "/v1/classify", "/v1/classify/batch"
# Less than what makes a worker a stuck one, much more than anything else here takes.
LONG = "sleep 2.5"


def message(name: str, channel: str = "") -> dict[str, str]:
    return {"id": name, "text": "工地整天扬尘", "channel": channel}


class Desk:
    """A server, a journal of what it began, and clients that do not wait."""

    def __init__(self, server: Server, journal: Path, clients: ThreadPoolExecutor) -> None:
        self.server, self._journal, self._clients = server, journal, clients

    def began(self) -> list[str]:
        if not self._journal.exists():
            return []
        return [line.split()[1] for line in self._journal.read_text().splitlines()]

    def post(self, body: object, *, path: str = SINGLE, within_ms: int = 60_000,
             patience: float = PATIENCE, name: str = "") -> httpx2.Response:  # fmt: skip
        headers = {"x-request-timeout-ms": str(within_ms), "x-request-id": name or "none"}
        url = self.server.url + path
        return httpx2.post(url, json=body, headers=headers, timeout=patience)

    def send(self, body: object, **how: Any) -> Future[httpx2.Response]:
        return self._clients.submit(self.post, body, **how)

    def occupy(self, name: str) -> Future[httpx2.Response]:
        """Keep the worker busy with one long message."""
        sent = self.send(message(name, LONG))
        until(lambda: name in self.began())
        return sent

    def status(self, name: str) -> int:
        """The status with which a request ended; 0 while it runs."""
        lines = [line for line in self.server.log() if line.get("request_id") == name]
        return int(lines[0]["status"]) if lines else 0


@contextlib.contextmanager
def opened(journal: Path, clients: ThreadPoolExecutor, **settings: object) -> Iterator[Desk]:
    """A desk whose server has one worker, unless `settings` say otherwise."""
    given = {"workers": 1, "bundle": journal} | settings
    variables = {f"TRIAGE_{name.upper()}": str(value) for name, value in given.items()}
    with serving_fakes("obedient", **variables) as server:
        yield Desk(server, journal, clients)


@pytest.fixture(scope="module")
def clients() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(64) as pool:
        yield pool


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, clients: ThreadPoolExecutor) -> Iterator[Desk]:
    journal = tmp_path_factory.mktemp("desk") / "journal"
    with opened(journal, clients, queue_seconds=60, batch_queue_seconds=600) as desk:
        yield desk


@pytest.fixture
def desk(shared: Desk) -> Desk:
    """The shared one, at rest."""
    until(lambda: shared.post(message("rest")).status_code == 200)
    return shared


def test_expired_work_is_not_run(desk: Desk) -> None:
    first = desk.occupy("first")
    # One lies at the worker already, the others in the queue.
    late = [desk.send(message(f"late-{n}"), within_ms=200) for n in range(3)]
    for sent in late:
        answer = sent.result()
        assert answer.status_code == 504
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["code"] == "deadline_exceeded"
    assert not first.done()
    assert first.result().status_code == 200
    assert desk.post(message("after")).status_code == 200
    assert not {"late-0", "late-1", "late-2"} & set(desk.began())


def test_a_batch_that_is_late_has_a_problem_for_each_entry_left(desk: Desk) -> None:
    entries = [message("quick"), message("slow", LONG), message("left-1"), message("left-2")]
    answer = desk.post({"messages": entries}, path=BATCH, within_ms=1_000)
    assert answer.status_code == 200
    codes = [result.get("code") for result in answer.json()["results"]]
    assert codes == [None, *["deadline_exceeded"] * 3]
    assert desk.post(message("then")).status_code == 200
    assert not {"left-1", "left-2"} & set(desk.began())


def test_a_client_that_went_away_is_skipped(desk: Desk) -> None:
    first = desk.occupy("one")
    # One of these lies at the worker, so that the next waits in the queue.
    others = [desk.send(message("two")), desk.send(message("three"))]
    until(lambda: desk.server.metric('triage_waiting{lane="single"}') == 1)
    with pytest.raises(httpx2.ReadTimeout):
        desk.post(message("gone"), patience=0.3, name="gone")
    until(lambda: desk.status("gone") == 499)
    assert {sent.result().status_code for sent in (first, *others)} == {200}
    assert desk.post(message("four")).status_code == 200
    assert "gone" not in desk.began()


def test_what_is_left_of_a_batch_is_skipped_when_its_client_went_away(desk: Desk) -> None:
    entries = [message(f"entry-{n}", "sleep 0.2") for n in range(30)]
    with pytest.raises(httpx2.ReadTimeout):
        desk.post({"messages": entries}, path=BATCH, patience=0.5, name="batch-gone")
    until(lambda: desk.status("batch-gone") == 499)
    assert desk.post(message("next")).status_code == 200
    assert len([name for name in desk.began() if name.startswith("entry-")]) < 30
    assert desk.server.metric('triage_waiting{lane="batch"}') == 0.0


def test_singles_go_before_a_batch_that_came_earlier(desk: Desk) -> None:
    first = desk.occupy("head")
    batch = desk.send({"messages": [message(f"b-{n}") for n in range(4)]}, path=BATCH)
    until(lambda: desk.server.metric('triage_waiting{lane="batch"}') >= 3)
    singles = [desk.send(message(f"s-{n}")) for n in range(3)]
    for sent in (first, batch, *singles):
        assert sent.result().status_code == 200
    began = desk.began()
    # One of the batch may have lain at the worker already.
    assert max(began.index(f"s-{n}") for n in range(3)) < began.index("b-1")


def test_a_batch_does_not_starve_under_endless_singles(
    desk: Desk, clients: ThreadPoolExecutor
) -> None:
    batch = desk.send({"messages": [message(f"patient-{n}") for n in range(3)]}, path=BATCH)

    def busy() -> int:
        count = 0
        while not batch.done():
            assert desk.post(message("busy", "sleep 0.02")).status_code == 200
            count += 1
        return count

    singles = [clients.submit(busy) for _ in range(4)]
    assert all("id" in result for result in batch.result().json()["results"])
    assert all(single.result() > 0 for single in singles)


def test_overload_refuses_at_the_door_and_answers_whom_it_let_in(
    tmp_path: Path, clients: ThreadPoolExecutor
) -> None:
    limits = {"queue_seconds": 0.02, "batch_queue_seconds": 0.02}
    with opened(tmp_path / "journal", clients, **limits) as desk:
        sent = [desk.send(message(f"m-{n}", "sleep 0.3")) for n in range(60)]
        answers = [one.result() for one in sent]
        accepted = [answer for answer in answers if answer.status_code == 200]
        refused = [answer for answer in answers if answer.status_code == 503]
        assert len(accepted) + len(refused) == 60
        assert len(accepted) >= 2
        assert len(refused) >= 10
        for answer in refused:
            assert answer.headers["retry-after"].isdecimal()
            assert int(answer.headers["retry-after"]) >= 1
            assert answer.json()["code"] == "overloaded"
        # What was refused cost the worker nothing.
        assert len(desk.began()) == len(accepted)
        refusals = desk.server.metric('triage_refusals_total{code="overloaded"}')
        assert refusals == len(refused)
        # It is not overloaded for longer than the work lasts.
        until(lambda: desk.post(message("later")).status_code == 200)


def test_a_batch_is_refused_before_it_is_read(tmp_path: Path, clients: ThreadPoolExecutor) -> None:
    limits = {"queue_seconds": 60, "batch_queue_seconds": 0.02}
    with opened(tmp_path / "journal", clients, **limits) as desk:
        entries = [message(f"e-{n}", "sleep 0.2") for n in range(20)]
        first = desk.send({"messages": entries}, path=BATCH)
        until(lambda: desk.server.metric('triage_waiting{lane="batch"}') >= 10)
        refused = desk.server.client.post(
            BATCH, content=b"no batch", headers={"content-type": "application/json"}
        )
        assert (refused.status_code, refused.json()["code"]) == (503, "overloaded")
        assert desk.post(message("single")).status_code == 200
        assert not first.done()
        assert first.result().status_code == 200


def test_a_message_that_ends_workers_is_not_tried_for_ever(
    tmp_path: Path, clients: ThreadPoolExecutor
) -> None:
    with opened(tmp_path / "journal", clients, workers=2) as desk:
        bad = desk.send(message("bad", "exit"))
        others = [desk.send(message(f"good-{n}", "sleep 0.1")) for n in range(10)]
        assert bad.result().status_code == 500
        assert bad.result().json()["code"] == "internal_error"
        # While no worker is left nobody is let in; whoever was is answered.
        assert {other.result().status_code for other in others} <= {200, 503}
        until(lambda: desk.server.client.get("/readyz").json().get("ready") == 2)
        assert desk.post(message("again")).status_code == 200
        assert desk.began().count("bad") == 2


def test_a_stop_waits_for_all_that_was_let_in(tmp_path: Path, clients: ThreadPoolExecutor) -> None:
    with opened(tmp_path / "journal", clients, queue_seconds=60) as desk:
        sent = [desk.send(message(f"m-{n}", "sleep 0.5")) for n in range(6)]
        until(lambda: desk.server.metric('triage_waiting{lane="single"}') >= 4)
        assert desk.server.stop() in (0, -signal.SIGTERM)
        assert [one.result().status_code for one in sent] == [200] * 6


def test_what_is_not_done_when_a_stop_must_end_is_told_so(
    tmp_path: Path, clients: ThreadPoolExecutor
) -> None:
    limits = {"queue_seconds": 60, "shutdown_seconds": 1}
    with opened(tmp_path / "journal", clients, **limits) as desk:
        sent = [desk.send(message(f"m-{n}", LONG)) for n in range(3)]
        until(lambda: desk.server.metric('triage_waiting{lane="single"}') >= 1)
        assert desk.server.stop() in (0, -signal.SIGTERM)
        for one in sent:
            assert one.result().status_code == 503
            assert one.result().headers["retry-after"]
            assert one.result().json()["code"] == "not_ready"
