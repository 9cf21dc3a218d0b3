"""Measures of quality, in NumPy alone.

Labels are indices `0 … k-1`; a choice of `-1` is no answer and counts as wrong. A quotient with
nothing below the line is 0, as in scikit-learn; a measure without any positive example is NaN.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Scores:
    """Precision, recall, their harmonic mean, and how many examples there were."""

    precision: float
    recall: float
    f1: float
    support: int


def confusion(truth: Ints, choice: Ints, classes: int) -> Ints:
    """Counts `[classes, classes + 1]`: rows are the truth, the last column is no answer."""
    columns = np.where(choice < 0, classes, choice)
    flat = np.bincount(truth * (classes + 1) + columns, minlength=classes * (classes + 1))
    return flat.reshape(classes, classes + 1)


def _ratio(above: Floats, below: Floats) -> Floats:
    return np.divide(above, below, out=np.zeros(np.broadcast(above, below).shape), where=below > 0)


def class_scores(counts: Ints) -> tuple[Floats, Floats, Floats]:
    """Precision, recall and F1 `[…, classes]` of confusion counts `[…, classes, classes + 1]`."""
    right = np.diagonal(counts, axis1=-2, axis2=-1).astype(np.float64)
    given = counts.sum(axis=-2)[..., :-1].astype(np.float64)
    true = counts.sum(axis=-1).astype(np.float64)
    return _ratio(right, given), _ratio(right, true), _ratio(2 * right, given + true)


def macro_f1(counts: Ints) -> Floats:
    """Mean F1 `[…]` over all classes, also those without examples."""
    mean: Floats = class_scores(counts)[2].mean(axis=-1)
    return mean


def binary_scores(truth: Bools, flag: Bools) -> Scores:
    """Scores of the positive class."""
    right, given, support = (int(x.sum()) for x in (truth & flag, flag, truth))
    return Scores(
        precision=right / given if given else 0.0,
        recall=right / support if support else 0.0,
        f1=2 * right / (given + support) if given + support else 0.0,
        support=support,
    )


def _by_threshold(truth: Bools, scores: Floats) -> tuple[Floats, Floats]:
    """True positives and flagged examples at every distinct score, from the highest down."""
    order = np.argsort(-scores, kind="stable")
    last = np.flatnonzero(np.append(np.diff(scores[order]) != 0, True))
    flagged: Floats = (last + 1).astype(np.float64)
    return np.cumsum(truth[order])[last].astype(np.float64), flagged


def average_precision(truth: Bools, scores: Floats) -> float:
    """Area under the precision-recall steps; equal scores count as one step.

    Without interpolation, as scikit-learn's `average_precision_score`.
    """
    if not truth.any():
        return float("nan")
    right, flagged = _by_threshold(truth, scores)
    return float(np.sum(np.diff(right, prepend=0.0) * right / flagged) / truth.sum())


def precision_at_recall(truth: Bools, scores: Floats, recall: float) -> float:
    """The best precision of any threshold that finds at least `recall` of the positives."""
    if not truth.any():
        return float("nan")
    right, flagged = _by_threshold(truth, scores)
    return float((right / flagged)[right >= recall * truth.sum() - 1e-9].max())


@dataclass(frozen=True, slots=True)
class Reliability:
    """Per bin of equal mass: how many answers, their mean confidence, the share that is right."""

    count: Ints
    confidence: Floats
    accuracy: Floats

    @property
    def error(self) -> float:
        """Expected calibration error (Naeini et al. 2015) over these bins."""
        if not self.count.sum():
            return float("nan")
        gaps = np.abs(self.confidence - self.accuracy)
        return float(np.sum(gaps * self.count) / self.count.sum())


def reliability(confidence: Floats, right: Bools, bins: int = 15) -> Reliability:
    """Sort answers by confidence and cut them into `bins` of equal size (within one)."""
    order = np.argsort(confidence, kind="stable")
    parts = [part for part in np.array_split(order, bins) if len(part)]
    return Reliability(
        count=np.array([len(part) for part in parts], dtype=np.int64),
        confidence=np.array([confidence[part].mean() for part in parts]),
        accuracy=np.array([right[part].mean() for part in parts]),
    )


def risk_coverage(confidence: Floats, right: Bools) -> tuple[Floats, Floats]:
    """Coverage, and the share of wrong answers among those covered.

    One point for every distinct confidence used as the threshold (El-Yaniv and Wiener 2010).
    """
    if not len(right):
        return np.zeros(0), np.zeros(0)
    wrong, covered = _by_threshold(~right, confidence)
    return covered / len(right), wrong / covered


def coverage_at_risk(confidence: Floats, right: Bools, risk: float) -> float:
    """The largest coverage of any threshold whose risk is at most `risk`; 0 if there is none."""
    coverage, risks = risk_coverage(confidence, right)
    return float(coverage[risks <= risk + 1e-12].max(initial=0.0))
