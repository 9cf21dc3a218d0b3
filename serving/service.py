"""From the bodies of requests to jobs for the workers, and back."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
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
from serving.worker import parse_json
from serving.workers import Summary
from triage.io.messages import Fault

# Waits until the client does not wait any more.
Gone = Callable[[], Awaitable[None]]
# Tokens per second of one worker until it has been measured; the average soon corrects it.
_FIRST_SPEED: Final = 12_000.0


def parse_batch(body: bytes, most: int) -> list[bytes]:
    """The entries of a batch, each still to be checked, as bodies of their own.

    Raises:
        ProblemError: `invalid_json`, or `invalid_batch` where the envelope is wrong.
    """
    try:
        value = parse_json(body)
    except (ValueError, RecursionError):
        raise ProblemError("invalid_json") from None
    if not isinstance(value, dict):
        fault = Fault("body", 'must be an object: {"messages": [...]}')
    elif "messages" not in value:
        fault = Fault("messages", "is missing; it is required")
    elif value.keys() - {"messages"}:
        fault = Fault("body", "has a field beside messages; remove it")
    elif not isinstance(value["messages"], list):
        fault = Fault("messages", "must be a list")
    elif not 1 <= (have := len(value["messages"])) <= most:
        fault = Fault("messages", f"has {have:,} entries; send 1 to {most}")
    else:
        return [json.dumps(entry).encode() for entry in value["messages"]]
    raise ProblemError("invalid_batch", faults=(fault,))


class Service:
    """The workers and their queue. It is ready once the first workers are."""

    def __init__(self, settings: Settings, metrics: Metrics, factory: str) -> None:
        self._metrics = metrics
        self._most = settings.max_batch
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

    async def classify(
        self, body: bytes, seconds: float, gone: Gone, request_id: str, *, explain: bool
    ) -> bytes:
        """The decision for the message in `body`, as JSON, within so many `seconds`.

        Raises:
            ProblemError: no message that can be classified, or no time for it.
            ClientDisconnect: `gone` came first; the work is not done then.
        """
        job = self._job(body, Lane.SINGLE, seconds, request_id, explain)
        self._pool.put([job])
        await self._wait([job], seconds, gone)
        if not job.answer.done():
            job.answer.cancel()
            raise ProblemError("deadline_exceeded")
        return job.answer.result()

    async def classify_batch(
        self, body: bytes, seconds: float, gone: Gone, request_id: str, *, explain: bool
    ) -> bytes:
        """A decision or a problem for each message in `body`, in order, as JSON.

        Raises:
            ProblemError: the body is no JSON or no batch, or there is no time for it.
            ClientDisconnect: `gone` came first; what is left is not done then.
        """
        self._pool.check(Lane.BATCH)  # before it costs anything
        entries = await asyncio.to_thread(parse_batch, body, self._most)
        jobs = [self._job(entry, Lane.BATCH, seconds, request_id, explain) for entry in entries]
        self._pool.put(jobs)
        await self._wait(jobs, seconds, gone)
        parts = [self._entry(job, request_id) for job in jobs]
        return b'{"results":[' + b",".join(parts) + b"]}"

    def _job(self, body: bytes, lane: Lane, seconds: float, request_id: str, explain: bool) -> Job:
        answer = asyncio.get_running_loop().create_future()
        return Job(body, explain, lane, time.monotonic() + seconds, answer, request_id)

    async def _wait(self, jobs: Sequence[Job], seconds: float, gone: Gone) -> None:
        """Until all `jobs` are answered or the time is over."""
        answers = [job.answer for job in jobs]
        every = (
            answers[0] if len(answers) == 1 else asyncio.gather(*answers, return_exceptions=True)
        )
        leaving = asyncio.ensure_future(gone())
        try:
            await asyncio.wait(
                {every, leaving}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            left = leaving.done()
            leaving.cancel()
        if left and not every.done():
            for answer in answers:
                answer.cancel()
            raise ClientDisconnect

    def _entry(self, job: Job, request_id: str) -> bytes:
        if not job.answer.done():
            job.answer.cancel()
            problem = ProblemError("deadline_exceeded")
        elif (error := job.answer.exception()) is None:
            return job.answer.result()
        else:
            assert isinstance(error, ProblemError)
            problem = error
        self._metrics.refusals.labels(problem.code).inc()
        return problem.problem(request_id).model_dump_json().encode()

    def _answered(self, job: Job, summary: Summary, waited: float) -> None:
        self._metrics.answered(summary, waited, explain=job.explain)
        self._shadow.saw(job, summary)
        if summary.get("code") == "internal_error":
            told = {name: summary[name] for name in ("exception", "at")}
            operation("message failed", level=logging.ERROR, request_id=job.request_id, **told)
