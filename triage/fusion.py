"""Combine the encoder, the linear voice and the rules into calibrated probabilities.

A conditional logit (McFadden 1974) with one weight per voice and one bias per class, and a
logistic regression for urgency. Both are fitted on messages that no voice was trained on, are
small enough to read in the manifest, and their temperature is part of the weights.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Final

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from triage.labels import CLASSES
from triage.models import LinearOutput, ModelOutput
from triage.rules import RuleOutcome

Floats64 = NDArray[np.float64]
Weight = Annotated[float, Field(ge=-50, le=50)]
# A rule may raise urgency and never lower it, so its weight cannot be negative.
RaisingWeight = Annotated[float, Field(ge=0, le=50)]
_RULE_CAP: Final = 6.0


class FusionWeights(BaseModel):
    """One weight per voice; `bias` per class in the order of `labels.CLASSES`.

    `urgent_bend` is `k` in `log(1 + k x) / log(1 + k)`, by which the rules' urgency `x` counts: the
    first hint says more than the next. 0, as in bundles without it, leaves `x` as it is.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: Weight
    linear: Weight
    rules: RaisingWeight
    bias: tuple[Weight, Weight, Weight, Weight, Weight]
    urgent_model: Weight
    urgent_linear: Weight
    urgent_rules: RaisingWeight
    urgent_bias: Weight
    urgent_bend: Annotated[float, Field(ge=0, le=100)] = 0.0


@dataclass(frozen=True, slots=True)
class Voices:
    """What each voice said of one message."""

    model: ModelOutput
    linear: LinearOutput
    rules: RuleOutcome


@dataclass(frozen=True, slots=True)
class Fused:
    """`logs` `[5]` log probabilities in the order of `labels.CLASSES`; `urgent` a probability."""

    logs: Floats64
    urgent: float

    @property
    def classes(self) -> Floats64:
        """Probabilities `[5]`."""
        result: Floats64 = np.exp(self.logs)
        return result

    @property
    def departments(self) -> Floats64:
        """Probabilities `[4]` of the departments, given that there is a matter to handle."""
        result: Floats64 = np.exp(log_softmax(self.logs[:-1]))
        return result


def log_softmax(scores: NDArray[np.floating]) -> Floats64:
    """Log probabilities along the last axis."""
    wide = scores.astype(np.float64)
    shifted = wide - wide.max(axis=-1, keepdims=True)
    result: Floats64 = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return result


def sigmoid(score: float) -> float:
    """The logistic function, without overflow."""
    return float(1.0 / (1.0 + np.exp(-np.clip(score, -60.0, 60.0))))


def class_features(voices: Voices) -> Floats64:
    """The three voices' scores per class; shape `[3, 5]`: model, linear, rules."""
    rules = np.array([min(voices.rules.scores[name], _RULE_CAP) for name in CLASSES])
    return np.stack([log_softmax(voices.model.classes), log_softmax(voices.linear.classes), rules])


def urgent_features(voices: Voices, bend: float) -> Floats64:
    """The three voices' scores of urgency; shape `[3]`: model, linear, strongest rule reason.

    `bend` as `FusionWeights.urgent_bend`.
    """
    strongest = min(max(voices.rules.urgency.values(), default=0.0), _RULE_CAP)
    if bend:
        strongest = math.log1p(bend * strongest) / math.log1p(bend)
    return np.array([voices.model.urgent, voices.linear.urgent, strongest])


def fuse(voices: Voices, weights: FusionWeights) -> Fused:
    """Probabilities of the classes and of urgency."""
    each = np.array([weights.model, weights.linear, weights.rules])
    scores = each @ class_features(voices) + np.array(weights.bias)
    each = np.array([weights.urgent_model, weights.urgent_linear, weights.urgent_rules])
    urgent = sigmoid(
        float(each @ urgent_features(voices, weights.urgent_bend)) + weights.urgent_bias
    )
    return Fused(log_softmax(scores), urgent)
