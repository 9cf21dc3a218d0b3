"""A candidate beside the bundle that decides: it sees the same messages, and nobody its answers."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Final

from serving.admission import Job, Lane, Queue
from serving.launch import Spec, StartError
from serving.logs import operation
from serving.metrics import Metrics
from serving.pool import Pool
from serving.problems import ProblemError
from serving.workers import Summary

# Messages that would wait longer than this for the one worker of the shadow are not compared.
_LONGEST: Final = 2.0
_FIRST_SPEED: Final = 6_000.0
# What is compared: what a person would see otherwise.
_COMPARED: Final = ("department", "urgent", "review")


class Shadow:
    """One worker of low priority, and what was said of the messages that it is at."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._pool: Pool | None = None
        self._spec: Spec | None = None
        self._said: dict[Job, Summary] = {}

    async def run(self, spec: Spec | None) -> None:
        """Let what `spec` names run beside from now on; None ends it. A fault is logged."""
        if spec == self._spec:
            return
        self._spec = spec
        old, self._pool = self._pool, None
        if old is not None:
            await old.close()
        self._said.clear()
        self._metrics.shadows(None)
        if spec is None:
            return
        queue = Queue({Lane.SINGLE: _LONGEST, Lane.BATCH: _LONGEST}, _FIRST_SPEED)
        pool = Pool(queue, 1, self._compare)
        try:
            versions = await pool.load(spec)
        except StartError as error:
            operation("shadow refused", level=logging.ERROR, code=error.code, detail=error.detail)
            return
        self._pool = pool
        self._metrics.shadows(versions)
        operation("shadow runs", **versions.model_dump())

    def saw(self, job: Job, summary: Summary) -> None:
        """Show it a message that was decided; it is left out while the shadow is behind."""
        if self._pool is None or job.explain or "department" not in summary:
            return
        answer = asyncio.get_running_loop().create_future()
        copy = Job(job.body, False, Lane.SINGLE, time.monotonic() + 60.0, answer, job.request_id)
        try:
            self._pool.put([copy])
        except ProblemError:
            self._metrics.compared("skipped")
            return
        self._said[copy] = summary

        def forget(done: asyncio.Future[bytes]) -> None:
            # The comparison hears of an answer first; one that failed is not compared.
            if self._said.pop(copy, None) is not None:
                self._metrics.compared("failed")
            if not done.cancelled():
                done.exception()

        answer.add_done_callback(forget)

    async def close(self) -> None:
        """End it."""
        await self.run(None)

    def _compare(self, job: Job, summary: Summary, _waited: float) -> None:
        said = self._said.pop(job, None)
        if said is None:
            return
        if "department" not in summary:
            self._metrics.compared("failed")
            return
        differ = [name for name in _COMPARED if summary[name] != said[name]]
        for name in differ or ["same"]:
            self._metrics.compared(name)
