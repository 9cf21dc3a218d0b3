"""How sure a difference is: bootstrap intervals and the exact test of McNemar."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eval.metrics import Bools, Floats, Ints, macro_f1

RESAMPLES = 1_000
_LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Interval:
    """A measured value with the bounds of its 95 % interval."""

    value: float
    low: float
    high: float


def resamples(count: int, *, times: int = RESAMPLES, seed: int = 0) -> Ints:
    """Indices `[times, count]` of resamples with replacement; the same for the same seed."""
    return np.random.default_rng(seed).integers(0, count, size=(times, count), dtype=np.int64)


def resampled_macro_f1(truth: Ints, choice: Ints, classes: int, samples: Ints) -> Floats:
    """Macro-F1 `[times]` on each of `samples` `[times, n]`."""
    cell = truth * (classes + 1) + np.where(choice < 0, classes, choice)
    cells = classes * (classes + 1)
    times = len(samples)
    shifted = cell[samples] + cells * np.arange(times)[:, None]
    counts = np.bincount(shifted.ravel(), minlength=cells * times)
    return macro_f1(counts.reshape(times, classes, classes + 1))


def interval(value: float, resampled: Floats) -> Interval:
    """Percentile interval (Efron 1979) around a measured value."""
    tail = (1 - _LEVEL) / 2
    low, high = np.quantile(resampled, [tail, 1 - tail])
    return Interval(value, float(low), float(high))


def mcnemar(right: Bools, other_right: Bools) -> tuple[int, int, float]:
    """Examples only the first has right, only the other has right, and the exact two-sided p.

    Under the null hypothesis each disagreement is a fair coin (McNemar 1947, binomial form).
    """
    first = int((right & ~other_right).sum())
    second = int((other_right & ~right).sum())
    total = first + second
    # Exact in integers up to the division, so large counts neither overflow nor lose the tail.
    ways = tail = 1
    for k in range(min(first, second)):
        ways = ways * (total - k) // (k + 1)
        tail += ways
    return first, second, min(1.0, 2 * tail / 2**total)
