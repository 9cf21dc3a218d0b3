"""From messages to jobs for the workers, and back."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from starlette.requests import ClientDisconnect

from serving.admission import Job, Lane, Queue
from serving.chooser import Chooser
from serving.launch import Launched, StartError
from serving.live import Live
from serving.logs import operation
from serving.metrics import Metrics
from serving.pool import Pool
from serving.problems import ProblemError
from serving.settings import Settings
from serving.shadow import Shadow
from serving.workers import Summary

# Waits until the client does not wait any more.
Gone = Callable[[], Awaitable[None]]
# Tokens per second of one worker until it has been measured; the average soon corrects it.
_FIRST_SPEED: Final = 12_000.0


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request asks for beside its messages, and who asks.

    `seconds`: within which it is to be answered; `gone` waits until the client has left; `key` is
    its `Idempotency-Key`.
    """

    seconds: float
    gone: Gone
    request_id: str
    explain: bool
    caller: str
    key: str | None


class Service:
    """The workers and their queue. It is ready once the first workers are."""

    def __init__(self, settings: Settings, metrics: Metrics, factory: str) -> None:
        self._metrics = metrics
        queue = Queue(
            {Lane.SINGLE: settings.queue_seconds, Lane.BATCH: settings.batch_queue_seconds},
            _FIRST_SPEED * settings.workers,
        )
        self._pool = Pool(queue, settings.workers, self._answered)
        metrics.watch(queue, self._pool)
        self._shadow = Shadow(metrics)
        chooser = Chooser(settings, factory)
        self.live = Live(chooser, self._pool, self._shadow, metrics)

    @property
    def pool(self) -> Pool:
        """The workers."""
        return self._pool

    @property
    def is_full(self) -> bool:
        """Whether a single message would be refused now."""
        return self._pool.is_full(Lane.SINGLE)

    async def run(
        self, launched: Launched | None, on_fault: Callable[[StartError], None] | None
    ) -> None:
        """Start the workers and take up every change, until cancelled; see `Live`."""
        await self.live.start(launched, on_fault)
        await self.live.follow()

    async def close(self) -> None:
        """Let running work end and stop the workers."""
        await self._shadow.close()
        await self._pool.close()

    async def decide(self, body: bytes, asked: Asked) -> bytes:
        """The decision for the message in `body`, as JSON.

        Raises:
            ProblemError: no message that can be classified, or no time for it.
            ClientDisconnect: the client went first; the work is not done then.
        """
        job = self._job(body, Lane.SINGLE, asked)
        self._pool.put([job])
        await self._wait([job], asked)
        if not job.answer.done():
            job.answer.cancel()
            raise ProblemError("deadline_exceeded")
        return job.answer.result()

    async def decide_all(self, bodies: Sequence[bytes], asked: Asked) -> list[bytes | ProblemError]:
        """A decision, as JSON, or a problem for each message in `bodies`, in order.

        Raises:
            ProblemError: there is no time for them.
            ClientDisconnect: the client went first; what is left is not done then.
        """
        jobs = [self._job(body, Lane.BATCH, asked) for body in bodies]
        self._pool.put(jobs)
        await self._wait(jobs, asked)
        return [_outcome(job) for job in jobs]

    def check_batch(self) -> None:
        """Refuse a batch before it costs anything.

        Raises:
            ProblemError: there is no time for one.
        """
        self._pool.check(Lane.BATCH)

    def _job(self, body: bytes, lane: Lane, asked: Asked) -> Job:
        answer = asyncio.get_running_loop().create_future()
        deadline = time.monotonic() + asked.seconds
        return Job(body, asked.explain, lane, deadline, answer, asked.request_id)

    async def _wait(self, jobs: Sequence[Job], asked: Asked) -> None:
        """Until all `jobs` are answered or the time is over."""
        answers = [job.answer for job in jobs]
        every = (
            answers[0] if len(answers) == 1 else asyncio.gather(*answers, return_exceptions=True)
        )
        leaving = asyncio.ensure_future(asked.gone())
        try:
            await asyncio.wait(
                {every, leaving}, timeout=asked.seconds, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            left = leaving.done()
            leaving.cancel()
        if left and not every.done():
            for answer in answers:
                answer.cancel()
            raise ClientDisconnect

    def _answered(self, job: Job, summary: Summary, waited: float) -> None:
        self._metrics.answered(summary, waited, explain=job.explain)
        self._shadow.saw(job, summary)
        if summary.get("code") == "internal_error":
            told = {name: summary[name] for name in ("exception", "at")}
            operation("message failed", level=logging.ERROR, request_id=job.request_id, **told)


def _outcome(job: Job) -> bytes | ProblemError:
    if not job.answer.done():
        job.answer.cancel()
        return ProblemError("deadline_exceeded")
    if (error := job.answer.exception()) is None:
        return job.answer.result()
    assert isinstance(error, ProblemError)
    return error
