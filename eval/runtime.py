"""Benchmarks of a fresh process: time to the first answer, memory, time per message."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Final

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from eval.budget import TOKENS
from eval.costs import RuntimeFigures, WindowFigures, time_figures
from eval.data import Labelled
from eval.probe import ROUNDS
from eval.window import nearest

STARTS: Final = 5


class RuntimeFailedError(RuntimeError):
    """The measured process ended without an answer."""


class _Times(BaseModel):
    """Seconds per message, by the clock and of CPU."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    wall: Annotated[list[float], Field(min_length=1)]
    cpu: Annotated[list[float], Field(min_length=1)]


class _Measured(BaseModel):
    """What `eval.probe` writes at the end; memory in MiB."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    every: _Times
    window: _Times
    encoder: _Times
    resident: float | None
    proportional: float | None


def _command(bundle: Path) -> list[str]:
    return [sys.executable, "-m", "eval.probe", str(bundle)]


def _start(bundle: Path, messages: str) -> tuple[float, float, str]:
    """Seconds from start to first answer, CPU seconds of them, and what was written after it."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    start = time.perf_counter()
    with subprocess.Popen(  # noqa: S603 - our own interpreter, no shell
        _command(bundle),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
        text=True,
        encoding="utf-8",
    ) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        seconds = time.perf_counter() - start
        if not first:
            raise RuntimeFailedError("the measured process gave no answer; see its error above")
        rest, _ = process.communicate(messages)
    if process.returncode:
        raise RuntimeFailedError(f"the measured process ended with {process.returncode}")
    return seconds, float(first), rest


def _lines(records: Sequence[Labelled]) -> str:
    return "".join(record.message.model_dump_json() + "\n" for record in records)


def measure_runtime(
    records: Sequence[Labelled],
    bundle: Path,
    step: Callable[[], None] = lambda: None,
    *,
    starts: int = STARTS,
) -> RuntimeFigures:
    """Start `starts` fresh processes; the last one also answers `records`, one at a time.

    Then it answers the messages that are nearest to `budget.TOKENS` tokens.

    Raises:
        RuntimeFailedError: a process fails.
    """
    load = os.getloadavg()[0]
    sample = nearest(records, bundle, TOKENS)
    messages = f"{_lines(records)}\n{_lines(sample.records)}"
    seconds: list[float] = []
    busy: list[float] = []
    written = ""
    for number in range(starts):
        took, cpu, written = _start(bundle, messages if number == starts - 1 else "")
        seconds.append(took)
        busy.append(cpu)
        step()
    measured = _Measured.model_validate_json(written)
    every = np.array(measured.every.wall) * 1_000
    return RuntimeFigures(
        cold_start_s=seconds,
        cold_start_median_s=float(np.median(seconds)),
        cold_start_cpu_s=float(np.median(busy)),
        resident_mib=measured.resident,
        proportional_mib=measured.proportional,
        messages=len(every),
        latency_median_ms=float(np.median(every)),
        latency_p99_ms=float(np.quantile(every, 0.99)),
        latency_cpu_ms=float(np.median(measured.every.cpu)) * 1_000,
        window=WindowFigures(
            messages=len(sample.records),
            rounds=ROUNDS,
            shortest=min(sample.tokens),
            longest=max(sample.tokens),
            message=time_figures(measured.window.wall, measured.window.cpu),
            encoder=time_figures(measured.encoder.wall, measured.encoder.cpu),
        ),
        cores=os.cpu_count() or 1,
        load=load,
    )
