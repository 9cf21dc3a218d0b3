"""Live change: what the registry chooses decides within seconds, without a pause.

The pointer is read every second. What it names is loaded and tested by new workers beside the old
ones, which answer until then. What cannot be used is refused: the old stays, and readiness, a
metric and the log say so until the pointer names something else.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from serving.chooser import Chooser
from serving.launch import Launched, Spec, StartError
from serving.logs import operation
from serving.metrics import Metrics
from serving.pool import Pool
from serving.shadow import Shadow
from triage.errors import RegistryError

_POLL_SECONDS: Final = 1.0


class Live:
    """Takes up what `chooser` says, into `pool` and `shadow`."""

    def __init__(self, chooser: Chooser, pool: Pool, shadow: Shadow, metrics: Metrics) -> None:
        self._chooser, self._pool, self._shadow = chooser, pool, shadow
        self._metrics = metrics
        self._tried: Spec | None = None
        self.refused = ""

    async def start(
        self, launched: Launched | None, on_fault: Callable[[StartError], None] | None
    ) -> None:
        """Load what is chosen now. A fault is logged, told to `on_fault`, and leaves it unready."""
        try:
            spec, _ = await asyncio.to_thread(self._chooser.choice)
            if launched and launched.told not in (None, spec):
                launched.end()  # the choice changed while the service started
                launched = None
            await self._load(spec, launched)
        except (RegistryError, OSError) as error:
            if launched:
                launched.end()
            fault = StartError("invalid_registry", str(error))
        except StartError as error:
            fault = error
        else:
            return
        operation("not started", level=logging.ERROR, code=fault.code, detail=fault.detail)
        if on_fault:
            on_fault(fault)

    async def follow(self) -> None:
        """Take up every change, until cancelled."""
        while True:
            await asyncio.sleep(_POLL_SECONDS)
            try:
                spec, shadow = await asyncio.to_thread(self._chooser.choice)
            except (RegistryError, OSError) as error:
                self._refuse("invalid_registry", str(error))
                continue
            if spec != self._tried:
                await self._change(spec)
            await self._shadow.run(shadow)

    async def _change(self, spec: Spec) -> None:
        try:
            await self._load(spec)
        except StartError as error:
            self._refuse(error.code, error.detail)

    async def _load(self, spec: Spec, launched: Launched | None = None) -> None:
        self._tried = spec
        versions = await self._pool.load(spec, launched)
        self.refused = ""
        self._metrics.serves(versions)
        operation("ready", workers=self._pool.ready, **versions.model_dump())

    def _refuse(self, code: str, detail: str) -> None:
        if self.refused == detail:
            return
        self.refused = detail
        self._metrics.refuses_change()
        operation("change refused", level=logging.ERROR, code=code, detail=detail)
