"""One worker as the service sees it: started, given jobs, ended."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import sys
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from serving.admission import Job
from serving.worker import ANSWER, HEAD, JOB
from triage.types import Versions

Summary = dict[str, Any]
FACTORY: Final = "serving.worker:load"
# The next job lies at the worker while it does one, so that it never waits for the service.
_DEPTH: Final = 2
_START_SECONDS: Final = 60.0
_END_SECONDS: Final = 5.0


class StartError(Exception):
    """A worker did not start: `code` and `detail` say why."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(code)
        self.code, self.detail = code, detail


@dataclass(frozen=True, slots=True)
class Spec:
    """What workers load: `factory` is `module:function` of bundle and rulebook ("": embedded).

    `nice` lowers their priority.
    """

    bundle: str = ""
    rulebook: str = ""
    factory: str = FACTORY
    nice: int = 0


async def _frame(reader: asyncio.StreamReader) -> bytes:
    (length,) = HEAD.unpack(await reader.readexactly(HEAD.size))
    return await reader.readexactly(length)


class Worker:
    """One process, its connection, and the jobs that it has; None stands for a mere question."""

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        versions: Versions,
    ) -> None:
        self._process, self._reader, self._writer = process, reader, writer
        self.versions = versions
        self.jobs: deque[Job | None] = deque()
        self.since = 0.0
        self.retired = False

    @classmethod
    async def start(cls, spec: Spec) -> Worker:
        """Start a process and wait until it has loaded and tested what `spec` names.

        Raises:
            StartError: it could not.
        """
        ours, theirs = socket.socketpair()
        # Modules come from where the service's own do, never from the working directory.
        path = os.pathsep.join(place or str(Path.cwd()) for place in sys.path)
        try:
            with theirs:
                process = await asyncio.create_subprocess_exec(
                    sys.executable, "-P", "-m", "serving.worker",
                    str(theirs.fileno()), str(spec.nice),
                    spec.factory, spec.bundle, spec.rulebook,
                    pass_fds=[theirs.fileno()], stdin=asyncio.subprocess.DEVNULL,
                    # More threads than cores would only wait for each other.
                    env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": path},
                )  # fmt: skip
        except BaseException as error:
            ours.close()
            if isinstance(error, OSError):
                raise StartError("internal_error", f"no process: {error.strerror}") from None
            raise
        reader, writer = await asyncio.open_connection(sock=ours, limit=1 << 24)
        try:
            told = json.loads(await asyncio.wait_for(_frame(reader), _START_SECONDS))
        except (TimeoutError, asyncio.IncompleteReadError, OSError):
            told = {"fault": {"code": "internal_error", "detail": "it ended or took too long"}}
        except asyncio.CancelledError:
            writer.close()
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
            raise
        if "versions" not in told:
            writer.close()
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
            raise StartError(told["fault"]["code"], told["fault"]["detail"])
        return cls(process, reader, writer, Versions.model_validate(told["versions"]))

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

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
        head = HEAD.pack(JOB.size + len(body)) + JOB.pack(job is not None, explain, deadline)
        self._writer.write(head + body)

    async def answer(self) -> tuple[Job | None, float, Summary, bytes]:
        """The next answer: its job, the seconds it took, its summary and its body.

        Raises:
            asyncio.IncompleteReadError, OSError: the worker ended; its jobs stay in `jobs`.
        """
        frame = await _frame(self._reader)
        now = time.monotonic()
        seconds, self.since = now - self.since, now
        (length,) = ANSWER.unpack_from(frame)
        cut = ANSWER.size + length
        return self.jobs.popleft(), seconds, json.loads(frame[ANSWER.size : cut]), frame[cut:]

    def kill(self) -> None:
        """End it now."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()

    async def close(self) -> None:
        """Let it end by itself, and wait for that."""
        self._writer.close()
        try:
            await asyncio.wait_for(self._process.wait(), _END_SECONDS)
        except TimeoutError:
            self.kill()
            await self._process.wait()
