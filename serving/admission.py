"""Who is let in, and who goes next: work in tokens, single requests before batches.

What cannot be done in time is refused at the door, and whatever was let in gets an answer (the idea
of the queue of text-embeddings-inference).
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

# Bytes of UTF-8 to a token, about: Chinese words of one and a half characters.
_BYTES_A_TOKEN: Final = 4.5
# What parsing, rules and the answer cost beside the encoder, in tokens.
_FIXED_TOKENS: Final = 40
# An explanation leaves out up to 24 clauses, one after the other.
_EXPLAINED: Final = 25
# Batches get at least this share of the work, whatever else waits.
_BATCH_SHARE: Final = 0.05
# So long after the last single request batches may use every worker.
_QUIET_SECONDS: Final = 1.0
# Weight of the newest measurement in the moving average of the speed.
_NEWEST: Final = 0.05


class Lane(Enum):
    """Single requests, for which somebody waits, and the entries of batches."""

    SINGLE = "single"
    BATCH = "batch"


@dataclass(slots=True, eq=False)
class Job:
    """One message; `answer` gets its bytes, or the error that ended it."""

    body: bytes
    explain: bool
    lane: Lane
    deadline: float
    answer: asyncio.Future[bytes]
    request_id: str = ""
    submitted: float = field(default_factory=time.monotonic)
    attempts: int = 0

    @property
    def tokens(self) -> float:
        """About what it costs; the encoder's window bounds it."""
        cost = _FIXED_TOKENS + min(len(self.body) / _BYTES_A_TOKEN, 256)
        return cost * _EXPLAINED if self.explain else cost


class Queue:
    """Jobs that wait, in two lanes, and how fast they are done.

    `longest` maps a lane to the seconds that its jobs may wait at most; `speed` is in tokens per
    second of all workers together.
    """

    def __init__(self, longest: dict[Lane, float], speed: float) -> None:
        self._longest = longest
        # Moving sums, because an average of speeds would believe the quickest jobs.
        self._done, self._seconds = speed / 100, 1 / 100
        self._jobs: dict[Lane, deque[Job]] = {lane: deque() for lane in Lane}
        self._tokens = dict.fromkeys(Lane, 0.0)
        self._credit = 0.0
        self._last_single = -_QUIET_SECONDS

    def wait(self, lane: Lane) -> float:
        """Seconds until a job that joined `lane` now would begin, about."""
        ahead = self._tokens[lane]
        if lane is Lane.BATCH:
            ahead += self._tokens[Lane.SINGLE]
        return ahead * self._seconds / self._done

    def waiting(self, lane: Lane) -> int:
        """Jobs in `lane`."""
        return len(self._jobs[lane])

    def admits(self, lane: Lane) -> bool:
        """Whether a job may join `lane`."""
        return self.wait(lane) <= self._longest[lane]

    def put(self, job: Job, *, first: bool = False) -> None:
        """Let a job wait; `first` before all others of its lane."""
        (self._jobs[job.lane].appendleft if first else self._jobs[job.lane].append)(job)
        self._tokens[job.lane] += job.tokens

    def take(self, *, now: float, batch_allowed: bool) -> Job | None:
        """The next job. `batch_allowed`: whether batches may have more than their share now."""
        singles, batches = self._jobs[Lane.SINGLE], self._jobs[Lane.BATCH]
        if singles:
            self._last_single = now
            if not batches or self._credit < batches[0].tokens:
                job = self._pop(Lane.SINGLE)
                if batches:
                    self._credit += _BATCH_SHARE / (1 - _BATCH_SHARE) * job.tokens
                return job
            self._credit -= batches[0].tokens
            return self._pop(Lane.BATCH)
        quiet = now - self._last_single > _QUIET_SECONDS
        return self._pop(Lane.BATCH) if batches and (batch_allowed or quiet) else None

    def _pop(self, lane: Lane) -> Job:
        job = self._jobs[lane].popleft()
        self._tokens[lane] = self._tokens[lane] - job.tokens if self._jobs[lane] else 0.0
        return job

    def done(self, job: Job, seconds: float, workers: int) -> None:
        """Learn from a job that kept one of `workers` busy for `seconds`."""
        self._done += _NEWEST * (job.tokens - self._done)
        self._seconds += _NEWEST * (max(seconds, 1e-6) / max(workers, 1) - self._seconds)

    def drain(self) -> list[Job]:
        """Take all jobs out."""
        jobs = [job for lane in self._jobs.values() for job in lane]
        for lane in Lane:
            self._jobs[lane].clear()
            self._tokens[lane] = 0.0
        return jobs
