"""What every model offers: scores for one message at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from triage.normalise import Normalised

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class ModelOutput:
    """Raw scores, not probabilities.

    `classes` `[5]` in the order of `labels.CLASSES`, `urgent` one logit, `reasons` `[7]` in the
    order of `labels.REASONS`; `truncated` says that the middle of the text was not seen.
    """

    classes: Floats
    urgent: float
    reasons: Floats
    truncated: bool


class Model(Protocol):
    """A classifier of single messages; implementations are thread-safe and deterministic."""

    def predict(self, title: Normalised | None, body: Normalised) -> ModelOutput:
        """Score one message."""
        ...
