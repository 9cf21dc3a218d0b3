"""One worker as the service sees it: given jobs, ended."""

from __future__ import annotations

import asyncio
import json
import time
from collections import deque
from typing import Any, Final, Protocol

from serving.admission import Job
from serving.frames import ANSWER, HEAD, JOB, framed

Summary = dict[str, Any]
# The next job lies at the worker while it does one, so that it never waits for the service.
_DEPTH: Final = 2
_END_SECONDS: Final = 5.0


class Parent(Protocol):
    """The process that a worker was forked from."""

    def kill(self, pid: int) -> None:
        """End the worker `pid` now, if it has not ended."""

    async def close(self) -> None:
        """End it; its workers end by themselves when their connections do."""


class Worker:
    """One process, its connection, and the jobs that it has; None stands for a mere question."""

    def __init__(
        self, parent: Parent, pid: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.parent, self.pid = parent, pid
        self._reader, self._writer = reader, writer
        self.jobs: deque[Job | None] = deque()
        self.since = 0.0
        self.retired = False
        self.closing = False

    @property
    def free(self) -> bool:
        """Whether it can be given a job."""
        return len(self.jobs) < _DEPTH and not self.retired

    def send(self, job: Job | None) -> None:
        """Give it a job; None asks only whether it still answers."""
        if not self.jobs:
            self.since = time.monotonic()
        self.jobs.append(job)
        explain, deadline, body = (
            (job.explain, job.deadline, job.body) if job else (False, 0.0, b"")
        )
        self._writer.write(framed(JOB.pack(job is not None, explain, deadline), body))

    async def answer(self) -> tuple[Job | None, float, Summary, bytes]:
        """The next answer: its job, the seconds it took, its summary and its body.

        Raises:
            asyncio.IncompleteReadError, OSError: the worker ended; its jobs stay in `jobs`.
        """
        (length,) = HEAD.unpack(await self._reader.readexactly(HEAD.size))
        frame = await self._reader.readexactly(length)
        now = time.monotonic()
        seconds, self.since = now - self.since, now
        (length,) = ANSWER.unpack_from(frame)
        cut = ANSWER.size + length
        return self.jobs.popleft(), seconds, json.loads(frame[ANSWER.size : cut]), frame[cut:]

    def kill(self) -> None:
        """End it now; its connection too, should its parent be unable to end it."""
        self.parent.kill(self.pid)
        self._writer.transport.abort()

    async def close(self) -> None:
        """Let it end by itself, and wait for that."""
        self.closing = True
        # The end of what it sends is its own end; what it still says is nobody's.
        try:
            self._writer.write_eof()
            await asyncio.wait_for(self._reader.read(), _END_SECONDS)
        except (TimeoutError, OSError, RuntimeError):
            self.kill()
        self._writer.close()
