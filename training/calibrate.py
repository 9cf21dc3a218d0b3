"""Fit what turns scores into decisions: temperatures, fusion weights and thresholds.

Everything here is fitted on validation messages that no voice was trained on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from training.data import Example
from training.finetune import cross_entropy
from triage.decision import Thresholds, decide
from triage.fusion import FusionWeights, Voices, class_features, fuse, log_softmax, urgent_features
from triage.labels import CLASSES, DEPARTMENTS

Floats64 = NDArray[np.float64]
_RIDGE = 1e-3
# On validation, alarms at 0.9 recall fell from 336 to 208 of 1,988 (docs/decisions/0005).
_BEND = 9.0
_ENOUGH = 300


def _minimise(loss: Callable[[Floats64], float], start: Sequence[float],
              bounds: Sequence[tuple[float, float]]) -> Floats64:  # fmt: skip
    found: Floats64 = minimize(loss, np.array(start), method="L-BFGS-B", bounds=bounds).x
    return np.round(found, 4)


def balance(labels: NDArray[np.int64]) -> Floats64:
    """Example weights `[n]` by inverse class frequency, of mean one.

    Missing a rare department costs as much as missing a common one, and shares of classes in
    collected labels are not natural ones.
    """
    counts = np.bincount(labels, minlength=len(CLASSES)).clip(1)
    weights: Floats64 = 1.0 / counts[labels]
    # Messages with nothing to handle are few and mostly invented: they must not outweigh the rest.
    weights[labels == len(DEPARTMENTS)] = np.median(weights[labels < len(DEPARTMENTS)])
    weights /= weights.mean()
    return weights


def fit_temperature(logits: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """Temperature of the encoder's class scores (Guo et al. 2017), by log likelihood."""
    return float(_minimise(lambda x: cross_entropy(logits / x[0], labels), [1.0], [(0.2, 10.0)])[0])


def _log_loss(scores: Floats64, truth: NDArray[np.bool_]) -> float:
    return float(np.logaddexp(0.0, np.where(truth, -scores, scores)).mean())


def fit_urgent_temperature(logits: NDArray[np.float32], urgent: NDArray[np.bool_]) -> float:
    """Temperature of the encoder's urgency score, by log likelihood."""
    return float(_minimise(lambda x: _log_loss(logits / x[0], urgent), [1.0], [(0.2, 10.0)])[0])


def fit_fusion(voices: Sequence[Voices], examples: Sequence[Example]) -> FusionWeights:
    """Weights of the three voices, by penalised log likelihood; see `triage.fusion`."""
    labels = np.array([e.label for e in examples])
    urgent = np.array([e.urgent for e in examples])
    features = np.stack([class_features(v) for v in voices])
    alarms = np.stack([urgent_features(v, _BEND) for v in voices])
    weights, rows = balance(labels), np.arange(len(labels))

    def class_loss(x: Floats64) -> float:
        logs = log_softmax(np.einsum("v,nvc->nc", x[:3], features) + x[3:])
        return -float((weights * logs[rows, labels]).mean()) + _RIDGE * float(x[3:] @ x[3:])

    def urgent_loss(x: Floats64) -> float:
        # A tenth of the penalty: alarms are rare, so their log loss is small.
        return _log_loss(alarms @ x[:3] + x[3], urgent) + _RIDGE / 10 * float(x[:3] @ x[:3])

    each = _minimise(class_loss, [0.5, 0.5, 0.2, *[0.0] * 5], [(0, 20)] * 3 + [(-8, 8)] * 5)
    alarm = _minimise(urgent_loss, [0.5, 0.5, 0.5, 0.0], [(0, 20)] * 3 + [(-20, 20)])
    return FusionWeights(
        model=each[0], linear=each[1], rules=each[2], bias=tuple(each[3:]),
        urgent_model=alarm[0], urgent_linear=alarm[1], urgent_rules=alarm[2], urgent_bias=alarm[3],
        urgent_bend=_BEND,
    )  # fmt: skip


def _surely(share: Floats64, count: NDArray[np.int64]) -> Floats64:
    """A share less two standard errors: what very probably holds on other messages too."""
    result: Floats64 = share - 2 * np.sqrt(share * (1 - share) / count)
    return result


def review_threshold(confidence: Floats64, right: NDArray[np.bool_], accuracy: float) -> float:
    """The lowest confidence from which on decisions are surely right `accuracy` of the time.

    Where the aim is out of reach even for the most confident tenth, their lowest confidence.
    """
    order = np.argsort(-confidence, kind="stable")
    count = np.arange(1, len(order) + 1)
    share = _surely(np.cumsum(right[order]) / count, count)
    least = max(1, len(order) // 10)
    reached = np.flatnonzero(share[least - 1 :] >= accuracy)
    last = least - 1 + (int(reached[-1]) if len(reached) else 0)
    return float(np.floor(confidence[order][last] * 1e4) / 1e4)


def recall_threshold(scores: Floats64, positive: NDArray[np.bool_], recall: float) -> float:
    """The highest threshold that finds at least `recall` of the positives; 0.5 without any."""
    if not positive.any():
        return 0.5
    found = np.sort(scores[positive])[::-1]
    needed = int(np.ceil(recall * len(found)))
    return float(np.floor(found[needed - 1] * 1e4) / 1e4)


def conformal_threshold(true: Floats64, coverage: float) -> float:
    """The probability from which on a department belongs to the set that holds the right one.

    Split conformal prediction with the least ambiguous sets (Sadinle, Lei & Wasserman 2019):
    `true` `[n]` are the probabilities of the right departments on messages like those to come.
    """
    rank = int(np.floor((len(true) + 1) * (1 - coverage)))
    return float(np.floor(np.sort(true)[rank - 1] * 1e4) / 1e4) if rank >= 1 else 0.0


def _certain_rule(strongest: Floats64, urgent: NDArray[np.bool_], precision: float) -> float:
    """The lowest rule score at which rules alone are right often enough to raise an alarm."""
    for score in np.arange(1.0, 6.0, 0.5):
        chosen = strongest >= score
        if chosen.any() and urgent[chosen].mean() >= precision:
            return float(score)
    return 6.0


def _disagreement(leads: Floats64, right: NDArray[np.bool_], accuracy: float) -> float:
    """The lowest lead of the rules over the decision at which the decision is doubtful."""
    for lead in np.arange(0.5, 6.0, 0.5):
        chosen = leads >= lead
        if chosen.sum() < 5 or right[chosen].mean() <= accuracy:
            return float(lead)
    return 6.0


def _representative(examples: Sequence[Example]) -> list[int]:
    """Indices of messages that stand for the traffic: random draws where there are enough."""
    real = [i for i, e in enumerate(examples) if e.label < len(DEPARTMENTS)]
    natural = [i for i in real if examples[i].natural]
    return natural if len(natural) >= _ENOUGH else real


def fit_thresholds(voices: Sequence[Voices], examples: Sequence[Example], weights: FusionWeights,
                   *, accuracy: float = 0.95, recall: float = 0.9,
                   coverage: float = 0.95) -> Thresholds:  # fmt: skip
    """Thresholds for the stated aims; see `triage.decision.Thresholds`.

    `accuracy` of what is routed without a person, `recall` of the urgent, `coverage` of the sets.
    """
    fused = [fuse(v, weights) for v in voices]
    urgent = np.array([e.urgent for e in examples])
    strongest = np.array([max(v.rules.urgency.values(), default=0.0) for v in voices])
    certain = _certain_rule(strongest, urgent, precision=0.6)
    alarm = np.array([f.urgent for f in fused])
    # Certain rules alarm by themselves; the model's threshold is set for what they leave.
    alarm_with_rules = np.where(strongest >= certain, 1.0, alarm)
    draft = Thresholds(
        review=0.0, nothing=0.5, reason=0.5, certain_rule=certain, disagree=6.0,
        urgent=min(0.5, recall_threshold(alarm_with_rules, urgent, recall)),
    )  # fmt: skip
    real = _representative(examples)
    verdicts = [decide(voices[i], fused[i], draft, damaged=False) for i in real]
    right = np.array(
        [
            v.department == DEPARTMENTS[examples[i].label]
            for i, v in zip(real, verdicts, strict=True)
        ]
    )
    leads = np.array([
        max(voices[i].rules.scores[d] for d in DEPARTMENTS) - voices[i].rules.scores[v.department]
        for i, v in zip(real, verdicts, strict=True)
    ])  # fmt: skip
    disagree = _disagreement(leads, right, accuracy=0.7)
    calm = leads < disagree
    confidence = np.array([v.probabilities.max() for v in verdicts])
    review = review_threshold(confidence[calm], right[calm], accuracy) if calm.any() else 1.0
    true = np.array(
        [v.probabilities[examples[i].label] for i, v in zip(real, verdicts, strict=True)]
    )
    conformal = conformal_threshold(true, coverage)
    return draft.model_copy(update={"disagree": disagree, "review": review, "conformal": conformal})
