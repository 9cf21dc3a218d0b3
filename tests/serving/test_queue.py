"""Who goes next and who is let in, without processes; the clock is an argument."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterator

import pytest

from serving.admission import Job, Lane, Queue

SPEED = 1_000.0
Make = Callable[..., Job]


@pytest.fixture
def make() -> Iterator[Make]:
    loop = asyncio.new_event_loop()

    def job(lane: Lane, name: str = "", *, size: int = 90, explain: bool = False) -> Job:
        body = name.encode().ljust(size)
        return Job(body, explain, lane, float("inf"), loop.create_future(), name, submitted=0.0)

    yield job
    loop.close()


def queue(longest: float = 1.0) -> Queue:
    return Queue({Lane.SINGLE: longest, Lane.BATCH: 5 * longest}, SPEED)


def taken(waiting: Queue, *, now: float = 0.0, batch_allowed: bool = False) -> str | None:
    job = waiting.take(now=now, batch_allowed=batch_allowed)
    return job.request_id if job else None


def test_nothing_waits_at_first() -> None:
    empty = queue()
    assert taken(empty, batch_allowed=True) is None
    for lane in Lane:
        assert empty.wait(lane) == 0.0
        assert empty.waiting(lane) == 0
        assert empty.admits(lane)


def test_each_lane_keeps_its_order(make: Make) -> None:
    waiting = queue()
    for name in "abc":
        waiting.put(make(Lane.SINGLE, name))
        waiting.put(make(Lane.BATCH, name.upper()))
    order = [taken(waiting, batch_allowed=True) for _ in range(7)]
    assert order == ["a", "b", "c", "A", "B", "C", None]


def test_singles_go_before_batches_that_came_earlier(make: Make) -> None:
    waiting = queue()
    for name in "ABC":
        waiting.put(make(Lane.BATCH, name))
    waiting.put(make(Lane.SINGLE, "a"))
    waiting.put(make(Lane.SINGLE, "b"))
    assert [taken(waiting, batch_allowed=True) for _ in range(3)] == ["a", "b", "A"]


def test_a_lost_job_comes_back_before_all_others(make: Make) -> None:
    waiting = queue()
    waiting.put(make(Lane.SINGLE, "b"))
    waiting.put(make(Lane.SINGLE, "a"), first=True)
    assert [taken(waiting), taken(waiting)] == ["a", "b"]


def test_batches_take_every_worker_only_when_no_single_came_for_a_second(make: Make) -> None:
    waiting = queue()
    waiting.put(make(Lane.SINGLE, "a"))
    for name in "ABC":
        waiting.put(make(Lane.BATCH, name))
    assert taken(waiting, now=10.0) == "a"
    assert taken(waiting, now=10.9) is None
    assert taken(waiting, now=10.9, batch_allowed=True) == "A"
    assert taken(waiting, now=11.1) == "B"
    waiting.put(make(Lane.SINGLE, "b"))
    assert taken(waiting, now=11.2) == "b"
    assert taken(waiting, now=11.3) is None


@pytest.mark.parametrize("explain", [False, True])
def test_a_batch_has_its_share_under_endless_singles(make: Make, explain: bool) -> None:
    draw = random.Random(4)
    waiting = queue()
    work = dict.fromkeys(Lane, 0.0)
    for number in range(20_000):
        if waiting.waiting(Lane.SINGLE) < 3:
            waiting.put(make(Lane.SINGLE, size=draw.choice((30, 90, 400, 3_000))))
        if waiting.waiting(Lane.BATCH) < 3:
            waiting.put(make(Lane.BATCH, size=draw.choice((30, 90, 400)), explain=explain))
        job = waiting.take(now=number / 100, batch_allowed=False)
        assert job is not None
        work[job.lane] += job.tokens
    share = work[Lane.BATCH] / sum(work.values())
    assert share == pytest.approx(0.05, abs=0.002)


def test_no_share_is_saved_up_while_no_batch_waits(make: Make) -> None:
    waiting = queue()
    for _ in range(1_000):
        waiting.put(make(Lane.SINGLE))
        waiting.take(now=0.0, batch_allowed=True)
    for name in "ABCD":
        waiting.put(make(Lane.BATCH, name))
    for name in "abcd":
        waiting.put(make(Lane.SINGLE, name))
    assert [taken(waiting) for _ in range(4)] == ["a", "b", "c", "d"]


def test_work_is_counted_in_tokens_up_to_the_window(make: Make) -> None:
    short, long, endless = (make(Lane.SINGLE, size=size).tokens for size in (90, 900, 60_000))
    assert short == 60
    assert long == 240
    assert endless == 296
    assert make(Lane.SINGLE, size=90, explain=True).tokens == 25 * short


def test_a_lane_that_would_wait_too_long_refuses(make: Make) -> None:
    waiting = queue(longest=0.5)
    admitted = 0
    while waiting.admits(Lane.SINGLE):
        waiting.put(make(Lane.SINGLE))
        admitted += 1
    # 60 tokens each, 1,000 a second: nine are more than half a second.
    assert admitted == 9
    assert waiting.wait(Lane.SINGLE) == pytest.approx(0.54)
    # A batch waits for the singles too, but may wait longer; singles do not wait for batches.
    assert waiting.wait(Lane.BATCH) == pytest.approx(0.54)
    assert waiting.admits(Lane.BATCH)
    while waiting.admits(Lane.BATCH):
        waiting.put(make(Lane.BATCH))
    assert waiting.wait(Lane.SINGLE) == pytest.approx(0.54)
    waiting.take(now=0.0, batch_allowed=False)
    assert waiting.admits(Lane.SINGLE)


def test_one_job_is_always_let_into_an_empty_lane(make: Make) -> None:
    waiting = queue(longest=0.01)
    assert waiting.admits(Lane.SINGLE)
    waiting.put(make(Lane.SINGLE, explain=True))
    assert not waiting.admits(Lane.SINGLE)


@pytest.mark.parametrize("workers", [1, 2])
def test_the_speed_is_measured(make: Make, workers: int) -> None:
    draw = random.Random(4)
    waiting = queue()
    # Each worker does 20,000 tokens a second, and some jobs at once.
    for _ in range(500):
        job = make(Lane.SINGLE, size=draw.choice((90, 900)))
        quick = draw.random() < 0.3
        waiting.done(job, job.tokens / 2e6 if quick else job.tokens / 14_070, workers)
    waiting.put(make(Lane.SINGLE))
    assert waiting.wait(Lane.SINGLE) == pytest.approx(60 / (20_000 * workers), rel=0.5)


def test_the_speed_falls_when_workers_become_slow(make: Make) -> None:
    waiting = queue()
    for _ in range(200):
        waiting.done(make(Lane.SINGLE), 60 / 10.0, 1)
    waiting.put(make(Lane.SINGLE))
    assert waiting.wait(Lane.SINGLE) == pytest.approx(6.0, rel=0.05)


def test_draining_empties_both_lanes(make: Make) -> None:
    waiting = queue()
    jobs = [make(lane, f"{lane}-{number}") for lane in Lane for number in range(3)]
    for job in jobs:
        waiting.put(job)
    assert set(waiting.drain()) == set(jobs)
    assert all(waiting.waiting(lane) == 0 and waiting.wait(lane) == 0.0 for lane in Lane)
    assert taken(waiting, batch_allowed=True) is None
