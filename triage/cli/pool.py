"""Chunks of rows go to processes, their results come back in order.

A process that ends loses nothing: its chunk is done again, and if that ends a process too, its
rows are tried one by one. A row at which a third process ends gets an error of its own.
"""

from __future__ import annotations

import itertools
import time
from collections import deque
from collections.abc import Iterator
from multiprocessing.connection import wait
from types import TracebackType
from typing import Final, Self

from triage.cli.loading import Task
from triage.cli.worker import Job, Worker, WorkerEndedError
from triage.errors import TriageError
from triage.io import Chunk, Decided, Encode, Outcome
from triage.io.stream import fault
from triage.types import Versions

# Chunks read but not yet written, for each process: enough to pass a slow one by.
_WINDOW: Final = 8
_TRIES_TOGETHER: Final = 2
_TRIES: Final = 3
# Without a result in between, and those of all processes at once beside them.
_DEATHS: Final = 5
_START_SECONDS: Final = 120.0
# No chunk takes a tenth of it, explanations on a busy machine included.
_STUCK_SECONDS: Final = 300.0


class WorkerError(TriageError):
    """Processes end again and again, or do not start."""

    code = "worker_ended"


class Pool:
    """`size` processes for one task, as a context manager."""

    def __init__(
        self, task: Task, encode: Encode, size: int, *, stuck_seconds: float = _STUCK_SECONDS
    ) -> None:
        self._task, self._encode, self._size = task, encode, size
        self._stuck_seconds = stuck_seconds
        self._workers: list[Worker] = []
        self._waiting: deque[Job] = deque()
        self._pieces: dict[int, list[Decided | None]] = {}
        self._deaths = 0
        self._versions: Versions | None = None

    @property
    def versions(self) -> Versions:
        """What decides; all processes have the same."""
        assert self._versions
        return self._versions

    def __enter__(self) -> Self:
        """Start the processes and wait for the first.

        Raises:
            BundleError, RulebookError: they cannot load; the error says why.
            WorkerError: they do not start.
        """
        try:
            for _ in range(self._size):
                self._workers.append(Worker(self._task, self._encode))
            while not self._versions:
                self._await()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end()

    def _end(self) -> None:
        for worker in self._workers:
            worker.stop()
        for worker in self._workers:
            worker.join()

    def run(self, chunks: Iterator[Chunk]) -> Iterator[Decided]:
        """The results of all chunks, in order; of the chunks, few are held at a time.

        Raises:
            WorkerError: processes end again and again.
        """
        numbered = enumerate(chunks)
        due = 0
        while True:
            idle = [worker for worker in self._workers if worker.idle]
            # One for every process is read ahead, so that it can go on at once.
            room = _WINDOW * self._size - len(self._pieces)
            missing = max(0, min(room, len(idle) + self._size - len(self._waiting)))
            for number, rows in itertools.islice(numbered, missing):
                self._pieces[number] = [None]
                self._waiting.append(Job(number, rows))
            for worker in idle[: len(self._waiting)]:
                worker.give(self._waiting.popleft())
            if not self._pieces:
                return
            self._await()
            while None not in self._pieces.get(due, [None]):
                yield _joined(self._pieces.pop(due))
                due += 1

    def _await(self) -> None:
        """Wait until processes have sent something, and take it."""
        busy = {worker.connection: worker for worker in self._workers if not worker.idle}
        for connection in wait(list(busy), timeout=1.0):
            worker = busy[connection]  # type: ignore[index]
            try:
                answer = worker.receive()
            except WorkerEndedError:
                self._replace(worker)
                continue
            if isinstance(answer, Versions):
                self._ready(worker, answer)
                continue
            assert worker.job
            self._pieces[worker.job.number][worker.job.part] = answer
            worker.job = None
            self._deaths = 0
        now = time.monotonic()
        for worker in self._workers:
            limit = self._stuck_seconds if worker.versions else _START_SECONDS
            if not worker.idle and now - worker.since > limit:
                worker.kill()  # which is found next time

    def _ready(self, worker: Worker, versions: Versions) -> None:
        worker.versions = versions
        self._versions = self._versions or versions
        if versions != self._versions:
            raise WorkerError("the bundle or the rulebook was changed meanwhile; run it again")

    def _replace(self, worker: Worker) -> None:
        self._deaths += 1
        code, job = worker.exit_code, worker.job
        if worker.versions is None and code is not None and code >= 0:
            raise WorkerError(f"a process did not start (exit code {code})")
        if self._deaths > _DEATHS + self._size:
            raise WorkerError(
                f"processes ended {self._deaths} times without a result, the last with code {code}"
                "; if memory is short (code -9), use fewer: --workers"
            )
        if job:
            job.deaths += 1
            self._again(job)
        worker.stop()
        worker.join()
        self._workers[self._workers.index(worker)] = Worker(self._task, self._encode)

    def _again(self, job: Job) -> None:
        if len(job.rows) > 1 and job.deaths >= _TRIES_TOGETHER:
            self._pieces[job.number] = [None] * len(job.rows)
            alone = [Job(job.number, [row], part, job.deaths) for part, row in enumerate(job.rows)]
            self._waiting.extendleft(reversed(alone))
        elif job.deaths >= _TRIES:
            error = fault(f"{job.deaths} processes ended at it")
            encoded = self._encode(Outcome(row, error) for row in job.rows)
            self._pieces[job.number][job.part] = Decided(encoded, len(job.rows), len(job.rows))
        else:
            self._waiting.appendleft(job)


def _joined(pieces: list[Decided | None]) -> Decided:
    parts = [piece for piece in pieces if piece]
    return Decided(
        b"".join(part.encoded for part in parts),
        sum(part.rows for part in parts),
        sum(part.failed for part in parts),
    )
