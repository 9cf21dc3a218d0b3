"""All workers of the service: which job goes where, who is replaced, what decides from now on."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Final

from serving.admission import Job, Lane, Queue
from serving.fork import ForkServer
from serving.launch import Launched, Spec, StartError, launch
from serving.logs import failure, operation
from serving.problems import ProblemError
from serving.workers import Parent, Summary, Worker
from triage.types import Versions

# A worker that is silent so long is replaced; the longest explanation takes a fraction of it.
_STUCK_SECONDS: Final = 3.5
# An explanation takes up to 25 times as long: on a busy machine, seconds.
_EXPLAINING: Final = 5
_WATCH_SECONDS: Final = 0.25
# Later than this between two looks, the service itself stood still: answers may lie unread.
_STOOD_STILL: Final = 1.0
_SLOWEST_RETRY: Final = 10.0
# A message at which two workers ended is not tried a third time.
_ATTEMPTS: Final = 2


class Pool:
    """`size` workers, forked from one process that has loaded a `Spec`, fed from `queue`.

    `answered` hears of every job that a worker did: its summary, and the seconds it had waited.
    """

    def __init__(
        self, queue: Queue, size: int, answered: Callable[[Job, Summary, float], None]
    ) -> None:
        self._queue, self._size, self._answered = queue, size, answered
        self._workers: list[Worker] = []
        self._leaving: set[Worker] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._spec = Spec()
        self._server: ForkServer | None = None
        self._open = False

    @property
    def ready(self) -> int:
        """Workers that can answer."""
        return len(self._workers) if self._open else 0

    @property
    def size(self) -> int:
        """Workers that there should be."""
        return self._size

    @property
    def versions(self) -> Versions | None:
        """What decides."""
        return self._server.versions if self._server else None

    async def load(self, spec: Spec, launched: Launched | None = None) -> Versions:
        """Start workers for `spec`; when all are ready they take over, and the old ones end.

        `launched` is a fork server that waits already. Every answer comes from one worker, and
        every worker has the version of the process it was forked from: none are mixed.

        Raises:
            StartError: they did not start; the workers that were there stay.
        """
        server = await ForkServer.start(launched or launch(spec), spec)
        fresh: list[Worker] = []
        try:
            for _ in range(self._size):
                fresh += [await server.worker()]
        except BaseException:
            await asyncio.gather(*(worker.close() for worker in fresh), server.close())
            raise
        old, self._workers, self._spec = self._workers, fresh, spec
        before, self._server = self._server, server
        for worker in old:
            self._retire(worker)
        if before is not None:
            self._unused(before)
        for worker in fresh:
            self._spawn(self._follow(worker))
        if not self._open:
            self._open = True
            self._spawn(self._watch())
        self._feed()
        return server.versions

    def is_full(self, lane: Lane) -> bool:
        """Whether a job that joined `lane` now would wait too long."""
        return not self._queue.admits(lane)

    def check(self, lane: Lane) -> None:
        """Whether jobs may join `lane` now.

        Raises:
            ProblemError: `not_ready`, or `overloaded` where they would wait too long.
        """
        if not self.ready:
            raise ProblemError("not_ready")
        if self.is_full(lane):
            raise ProblemError("overloaded")

    def put(self, jobs: Sequence[Job]) -> None:
        """Let jobs of one lane wait for workers; the `answer` of each is set in any case.

        Raises:
            ProblemError: as `check` does.
        """
        self.check(jobs[0].lane)
        for job in jobs:
            self._queue.put(job)
        self._feed()

    async def close(self) -> None:
        """Fail what still waits and end the workers."""
        self._open = False
        for job in self._queue.drain():
            _fail(job, "not_ready")
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        every = [*self._workers, *self._leaving]
        for worker in every:
            for given in worker.jobs:
                _fail(given, "not_ready")
        await asyncio.gather(*(worker.close() for worker in every))
        parents = {worker.parent for worker in every} | ({self._server} if self._server else set())
        await asyncio.gather(*(parent.close() for parent in parents))

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _feed(self) -> None:
        # The emptiest first: a job must not lie behind another while a worker is idle.
        given = True
        while given:
            given = False
            for worker in sorted(self._workers, key=lambda w: len(w.jobs)):
                if worker.free and (job := self._next(idle=not worker.jobs)) is not None:
                    worker.send(job)
                    given = True

    def _next(self, *, idle: bool) -> Job | None:
        at_batches = sum(
            any(job is not None and job.lane is Lane.BATCH for job in worker.jobs)
            for worker in self._workers
        )
        spare = idle and at_batches < max(1, self._size - 1)
        now = time.monotonic()
        while (job := self._queue.take(now=now, batch_allowed=spare)) is not None:
            if job.answer.done():
                continue  # nobody waits for it any more
            if job.deadline > now:
                return job
            _fail(job, "deadline_exceeded")
        return None

    async def _follow(self, worker: Worker) -> None:
        try:
            while True:
                job, seconds, summary, body = await worker.answer()
                if job is not None:
                    _settle(job, summary, body)
                    # What was refused says little of how fast work is done.
                    if "code" not in summary:
                        self._queue.done(job, seconds, len(self._workers))
                    waited = time.monotonic() - seconds - job.submitted
                    self._answered(job, summary, max(0.0, waited))
                if worker.retired and not worker.jobs:
                    await worker.close()
                    self._forget(worker)
                    return
                self._feed()
        except (asyncio.IncompleteReadError, OSError):
            await self._lost(worker)
        except Exception as error:  # one answer must not leave the others without theirs
            failure("worker misunderstood", error, pid=worker.pid)
            worker.kill()
            await self._lost(worker)

    async def _lost(self, worker: Worker) -> None:
        """A worker ended: its jobs go to others, and another takes its place."""
        self._forget(worker)
        await worker.close()
        for place, job in enumerate(reversed(worker.jobs), start=1):
            if job is None:
                continue
            # The one it was at may have been its end; those behind it were not.
            job.attempts += place == len(worker.jobs)
            if job.attempts >= _ATTEMPTS:
                _fail(job, "internal_error")
            else:
                self._queue.put(job, first=True)
        operation("worker ended", pid=worker.pid)
        self._feed()
        if not worker.retired:
            await self._replace()

    async def _replace(self) -> None:
        spec, pause = self._spec, 0.1
        while self._open and spec == self._spec and len(self._workers) < self._size:
            try:
                worker = await self._another(spec)
            except StartError as fault:
                operation("worker not started", code=fault.code, detail=fault.detail)
                await asyncio.sleep(pause)
                pause = min(2 * pause, _SLOWEST_RETRY)
                continue
            if worker.parent is self._server and len(self._workers) < self._size:
                self._workers.append(worker)
                self._spawn(self._follow(worker))
                self._feed()
            else:
                await worker.close()
            return

    async def _another(self, spec: Spec) -> Worker:
        """A worker like those there are: from their fork server or, if that ended, from a new one.

        Raises:
            StartError: it did not start, or the files are no longer those that decide.
        """
        server = self._server
        assert server is not None
        try:
            return await server.worker()
        except StartError:
            fresh = await ForkServer.start(launch(spec), spec)
        if self._server is not server or fresh.versions != server.versions:
            await fresh.close()
            raise StartError("invalid_bundle", "the files are no longer those that decide")
        self._server = fresh
        self._unused(server)
        return await fresh.worker()

    async def _watch(self) -> None:
        """Ask idle workers whether they live; end those that are silent for too long."""
        now = time.monotonic()
        while True:
            await asyncio.sleep(_WATCH_SECONDS)
            before, now = now, time.monotonic()
            if now - before > _STOOD_STILL:
                continue
            for worker in [*self._workers, *self._leaving]:
                if worker.closing:
                    continue
                if not worker.jobs:
                    worker.send(None)
                elif now - worker.since > _patience(worker.jobs[0]):
                    operation("worker is stuck", pid=worker.pid)
                    self._forget(worker)
                    worker.kill()

    def _forget(self, worker: Worker) -> None:
        self._leaving.discard(worker)
        if worker in self._workers:
            self._workers.remove(worker)
        self._unused(worker.parent)

    def _unused(self, parent: Parent) -> None:
        """End a fork server that has no worker left, unless it is the one that makes new ones."""
        still = any(w.parent is parent for w in (*self._workers, *self._leaving))
        if parent is not self._server and not still:
            self._spawn(parent.close())

    def _retire(self, worker: Worker) -> None:
        worker.retired = True
        self._leaving.add(worker)
        if not worker.jobs:
            worker.send(None)  # its answer ends it


def _patience(job: Job | None) -> float:
    """Seconds after which a worker that is at `job` counts as stuck."""
    return _STUCK_SECONDS * (_EXPLAINING if job is not None and job.explain else 1)


def _fail(job: Job | None, code: str) -> None:
    if job is not None and not job.answer.done():
        job.answer.set_exception(ProblemError(code))


def _settle(job: Job, summary: Summary, body: bytes) -> None:
    if job.answer.done():
        return
    if "code" not in summary:
        job.answer.set_result(body)
    else:
        job.answer.set_exception(ProblemError.told(summary))
