"""What every model offers: scores for one message at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from triage.normalise import Normalised
from triage.types import FieldName

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class ModelOutput:
    """Raw scores, not probabilities.

    `classes` `[5]` in the order of `labels.CLASSES`, `urgent` one logit, `reasons` `[7]` in the
    order of `labels.REASONS`; `truncated` says that the middle of the text was not seen. `vector`
    is what the heads are fed, twice as long as the encoder is wide, where the model gives it.
    """

    classes: Floats
    urgent: float
    reasons: Floats
    truncated: bool
    vector: Floats | None = None


class Span(NamedTuple):
    """The half-open `[start, end)` of a field's normalised text, in code points."""

    field: FieldName
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Occlusion:
    """What the model says of the message without the clauses of `span`."""

    span: Span
    output: ModelOutput


class Model(Protocol):
    """A classifier of single messages; implementations are thread-safe and deterministic."""

    def predict(self, title: Normalised | None, body: Normalised) -> ModelOutput:
        """Score one message."""
        ...

    def occlude(
        self, title: Normalised | None, body: Normalised, clauses: Sequence[Span]
    ) -> list[Occlusion]:
        """Score the message once for each of its clauses, without that clause.

        `clauses` are in order and do not overlap. Neighbours are merged until the message is
        scored at most `occlusion.MOST_SEGMENTS` times; clauses that the window leaves out are
        passed over.
        """
        ...
