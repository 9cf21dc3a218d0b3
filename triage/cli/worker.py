"""A process that decides chunks of rows, as seen from both sides.

It is a fresh interpreter: a fork would copy the locks of ONNX Runtime's threads, not the threads.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any, Final

from triage.cli.loading import Task
from triage.errors import TriageError
from triage.io import Chunk, Decided, Encode
from triage.types import Versions

_CONTEXT: Final = multiprocessing.get_context("spawn")
_END_SECONDS: Final = 2.0


def _serve(connection: Connection[Any, Any], task: Task, encode: Encode) -> None:
    """Load, send the versions or what is wrong, then answer chunks until no more come."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the one that started it
    try:
        loaded = task.loaded()
    except TriageError as error:
        connection.send(error)
        return
    answer: Versions | Decided = loaded.versions
    while True:
        try:
            connection.send(answer)
            rows: Chunk = connection.recv()
        except (EOFError, OSError):
            return
        answer = loaded.decide(rows, encode)


@contextlib.contextmanager
def _for_children() -> Iterator[None]:
    """What a process inherits that is started inside."""
    before = os.environ.get("OMP_NUM_THREADS")
    # More threads than cores would only wait for each other.
    os.environ["OMP_NUM_THREADS"] = "1"
    blocks = hasattr(signal, "pthread_sigmask")
    if blocks:  # Ctrl-C is blocked before a new interpreter can ignore it; here it comes after
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        if before is None:
            del os.environ["OMP_NUM_THREADS"]
        else:
            os.environ["OMP_NUM_THREADS"] = before
        if blocks:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)


@dataclass(slots=True, eq=False)
class Job:
    """Rows of chunk `number`; where its rows are tried one by one, row `part` of it."""

    number: int
    rows: Chunk
    part: int = 0
    deaths: int = 0


class WorkerEndedError(Exception):
    """The process has ended; its job is still `job`."""


class Worker:
    """A process with one job at a time: so none waits to write while the other does not read."""

    def __init__(self, task: Task, encode: Encode) -> None:
        ours, theirs = _CONTEXT.Pipe()
        self._process = _CONTEXT.Process(
            target=_serve, args=(theirs, task, encode), name="triage-worker", daemon=True
        )
        with theirs, _for_children():
            self._process.start()
        self.connection: Connection[Any, Any] = ours
        self.versions: Versions | None = None
        self.job: Job | None = None
        self.since = time.monotonic()

    @property
    def idle(self) -> bool:
        """Whether it can be given a job."""
        return self.versions is not None and self.job is None

    def give(self, job: Job) -> None:
        """Give it a job; that it has ended is seen when it is received from."""
        self.job, self.since = job, time.monotonic()
        with contextlib.suppress(OSError):
            self.connection.send(job.rows)

    def receive(self) -> Versions | Decided:
        """What it has sent: its versions once it has loaded, then the result of `job`.

        Raises:
            BundleError, RulebookError: it cannot load; the error says why.
            WorkerEndedError: it has ended.
        """
        try:
            answer: Versions | Decided | TriageError = self.connection.recv()
        except (EOFError, OSError):
            raise WorkerEndedError from None
        if isinstance(answer, TriageError):
            raise answer
        return answer

    @property
    def exit_code(self) -> int | None:
        """How it has ended: negative where a signal did it."""
        self._process.join(_END_SECONDS)
        return self._process.exitcode

    def kill(self) -> None:
        """End it now."""
        self._process.kill()

    def stop(self) -> None:
        """Let it end; a job that it has is lost."""
        self.connection.close()
        if not self.idle:
            self._process.kill()

    def join(self) -> None:
        """Wait until it has ended, after `stop`."""
        self._process.join(_END_SECONDS)
        if self._process.exitcode is None:
            self._process.kill()
            self._process.join()
        self._process.close()
