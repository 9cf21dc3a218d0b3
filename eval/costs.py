"""Figures of time and memory. Times are in milliseconds unless the name says seconds.

Times are by the clock, `cpu` times are of the processor. Other work on the machine makes the
former longer, and on shared cores the latter too.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from eval.values import Value


class TimeFigures(Value):
    """Median and 90th percentile of the time of one message."""

    median_ms: float
    p90_ms: float
    cpu_median_ms: float
    cpu_p90_ms: float


class WindowFigures(Value):
    """Messages of about one length, each answered `rounds` times.

    `shortest`, `longest`: tokens of their windows. `message` is a whole decision, `encoder` the
    model alone, from the normalised text to its scores.
    """

    messages: int
    rounds: int
    shortest: int
    longest: int
    message: TimeFigures
    encoder: TimeFigures


class RuntimeFigures(Value):
    """A fresh process on this machine.

    `load` is the average number of processes that wanted to run at the start.
    """

    cold_start_s: list[float]
    cold_start_median_s: float
    cold_start_cpu_s: float
    resident_mib: float | None
    proportional_mib: float | None
    messages: int
    latency_median_ms: float
    latency_p99_ms: float
    latency_cpu_ms: float
    window: WindowFigures
    cores: int
    load: float


def time_figures(wall: Sequence[float], cpu: Sequence[float]) -> TimeFigures:
    """Of times in seconds, by the clock and of CPU."""

    def at(times: Sequence[float], share: float) -> float:
        return float(np.quantile(times, share)) * 1_000

    return TimeFigures(
        median_ms=at(wall, 0.5),
        p90_ms=at(wall, 0.9),
        cpu_median_ms=at(cpu, 0.5),
        cpu_p90_ms=at(cpu, 0.9),
    )
