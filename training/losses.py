"""Targets and losses of the multi-task fine-tuning."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from training.data import Example
from training.model import Scores
from triage.labels import CLASSES

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class TargetSettings:
    """How labels become targets.

    `smoothing` of the class mass is spread evenly; `second_share` goes to the second department,
    more where the annotator was in doubt. `urgent_weight` and `reasons_weight` weigh the losses of
    urgency, whose positives count `urgent_positive` times, and of its reasons. There are other than
    five `classes` only where another classification is measured.
    """

    classes: int = len(CLASSES)
    smoothing: float = 0.05
    second_share: float = 0.1
    urgent_weight: float = 0.5
    urgent_positive: float = 4.0
    reasons_weight: float = 1.0


def soft_labels(examples: Sequence[Example], settings: TargetSettings) -> Floats:
    """Class targets `[n, 5]`: smoothed, with a share for the second department by doubt."""
    targets = np.full((len(examples), settings.classes), settings.smoothing / settings.classes)
    for row, example in zip(targets, examples, strict=True):
        share = settings.second_share * (4 - example.sure) if example.second is not None else 0.0
        row[example.label] += (1 - settings.smoothing) * (1 - share)
        if example.second is not None:
            row[example.second] += (1 - settings.smoothing) * share
    return targets.astype(np.float32)


def class_weights(labels: NDArray[np.int64], classes: int) -> Floats:
    """Weights `[classes]` by the inverse root of frequency, of mean one over the examples."""
    counts = np.bincount(labels, minlength=classes).clip(1)
    weights = 1 / np.sqrt(counts)
    scaled: Floats = (weights * len(labels) / (weights * counts).sum()).astype(np.float32)
    return scaled


@dataclass(frozen=True, slots=True)
class Targets:
    """`classes` `[n, 5]` probabilities, `weights` `[n]`, `urgent` `[n]`, `reasons` `[n, 7]`."""

    classes: Floats
    weights: Floats
    urgent: Floats
    reasons: Floats

    def blended(self, teacher: Targets, share: float) -> Targets:
        """These targets with a `share` of the `teacher`'s (Hinton, Vinyals & Dean 2015)."""
        return Targets(
            (1 - share) * self.classes + share * teacher.classes,
            self.weights,
            (1 - share) * self.urgent + share * teacher.urgent,
            (1 - share) * self.reasons + share * teacher.reasons,
        )

    def followed_by(self, other: Targets) -> Targets:
        """The targets of these messages and then of the `other` ones."""
        pairs = ((getattr(self, name), getattr(other, name)) for name in self.__dataclass_fields__)
        return Targets(*(np.concatenate(pair) for pair in pairs))

    def split(self, first: int) -> tuple[Targets, Targets]:
        """The targets of the `first` messages and those of the others."""
        columns = [getattr(self, name) for name in self.__dataclass_fields__]
        return Targets(*(c[:first] for c in columns)), Targets(*(c[first:] for c in columns))


def labelled_targets(examples: Sequence[Example], settings: TargetSettings) -> Targets:
    """What the labels of `examples` say."""
    labels = np.array([e.label for e in examples])
    return Targets(
        soft_labels(examples, settings),
        class_weights(labels, settings.classes)[labels],
        np.array([e.urgent for e in examples], dtype=np.float32),
        np.array([e.reasons for e in examples], dtype=np.float32),
    )


def loss(scores: Scores, targets: Targets, at: NDArray[np.int64],
         settings: TargetSettings) -> torch.Tensor:  # fmt: skip
    """Weighted cross entropy of the classes plus the losses of urgency and its reasons.

    `scores` are of the messages `at` `[batch]`.
    """

    def wanted(values: Floats) -> torch.Tensor:
        return torch.from_numpy(values[at]).to(scores.classes.device)

    logs = functional.log_softmax(scores.classes.float(), dim=-1)
    main = (-(wanted(targets.classes) * logs).sum(dim=-1) * wanted(targets.weights)).mean()
    alarm = functional.binary_cross_entropy_with_logits(
        scores.urgent.float(),
        wanted(targets.urgent),
        pos_weight=torch.tensor(settings.urgent_positive, device=logs.device),
    )
    why = functional.binary_cross_entropy_with_logits(
        scores.reasons.float(), wanted(targets.reasons)
    )
    return main + settings.urgent_weight * alarm + settings.reasons_weight * why
