"""Live change: what the registry chooses decides within seconds, without a pause.

The pointer is read every second. What it names is loaded and tested by new workers beside the old
ones, which answer until then. What cannot be used is refused: the old stays, and readiness, a
metric and the log say so until the pointer names something else.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from serving.logs import operation
from serving.metrics import Metrics
from serving.pool import Pool
from serving.settings import Settings
from serving.shadow import Shadow
from serving.workers import Spec, StartError
from triage.errors import RegistryError
from triage.pointer import select

_POLL_SECONDS: Final = 1.0


class Chooser:
    """What should decide: the settings' own bundle and rulebook, else what the registry chooses."""

    def __init__(self, settings: Settings, factory: str) -> None:
        self._models = settings.models
        self._bundle, self._rulebook = (str(p or "") for p in (settings.bundle, settings.rulebook))
        self._factory = factory

    def choice(self) -> tuple[Spec, Spec | None]:
        """What decides and, where there is one, the shadow beside it.

        Raises:
            RegistryError, OSError: the registry cannot be read.
        """
        chosen = select(self._models)
        spec = Spec(self._bundle or chosen.bundle, self._rulebook or chosen.rulebook, self._factory)
        if chosen.shadow is None:
            return spec, None
        # A shadow must not take the cores from what decides.
        return spec, replace(spec, bundle=chosen.shadow, nice=10)


class Live:
    """Takes up what `chooser` says, into `pool` and `shadow`."""

    def __init__(self, chooser: Chooser, pool: Pool, shadow: Shadow, metrics: Metrics) -> None:
        self._chooser, self._pool, self._shadow = chooser, pool, shadow
        self._metrics = metrics
        self._tried: Spec | None = None
        self.refused = ""

    async def start(self, on_fault: Callable[[StartError], None] | None = None) -> None:
        """Load what is chosen now. A fault is logged, told to `on_fault`, and leaves it unready."""
        try:
            spec, _ = await asyncio.to_thread(self._chooser.choice)
            await self._load(spec)
        except (RegistryError, OSError) as error:
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

    async def _load(self, spec: Spec) -> None:
        self._tried = spec
        versions = await self._pool.load(spec)
        self.refused = ""
        self._metrics.serves(versions)
        operation("ready", workers=self._pool.ready, **versions.model_dump())

    def _refuse(self, code: str, detail: str) -> None:
        if self.refused == detail:
            return
        self.refused = detail
        self._metrics.refuses_change()
        operation("change refused", level=logging.ERROR, code=code, detail=detail)
