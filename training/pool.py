"""Combine the probabilities of several voices: a weighted product, weights by likelihood."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from triage.fusion import Floats64, log_softmax


def pooled(voices: Sequence[Floats64], weights: Sequence[float] | Floats64) -> Floats64:
    """Log probabilities `[n, c]` of the logarithmic opinion pool (Genest & Zidek 1986).

    `voices`: log probabilities `[n, c]` of each.
    """
    return log_softmax(np.tensordot(np.asarray(weights), np.stack(voices), axes=1))


def fit_pool(voices: Sequence[Floats64], labels: Sequence[int]) -> tuple[float, ...]:
    """A weight per voice, by likelihood on messages that no voice was fitted on."""
    truth: NDArray[np.int64] = np.array(labels)
    rows = np.arange(len(truth))

    def loss(weights: Floats64) -> float:
        return -float(pooled(voices, weights)[rows, truth].mean())

    start, bounds = np.full(len(voices), 1 / len(voices)), [(0.0, 20.0)] * len(voices)
    found = minimize(loss, start, method="L-BFGS-B", bounds=bounds).x
    return tuple(round(float(weight), 4) for weight in found)
