"""From labels and a system's answers to its figures."""

from __future__ import annotations

from dataclasses import asdict
from typing import Final

import numpy as np

from eval import results
from eval.data import NOTHING, Truth
from eval.intervals import Interval, interval, resampled_macro_f1, resamples
from eval.metrics import (
    Bools,
    Floats,
    Ints,
    Scores,
    average_precision,
    binary_scores,
    class_scores,
    confusion,
    coverage_at_risk,
    macro_f1,
    precision_at_recall,
    reliability,
    risk_coverage,
)
from eval.systems import Predictions
from eval.values import IntervalFigures
from triage.labels import DEPARTMENTS, REASONS

_CLASSES: Final = len(DEPARTMENTS)
_POINTS: Final = 101
_RISK: Final = 0.05
_RECALL: Final = 0.9


def _interval(value: Interval) -> IntervalFigures:
    return IntervalFigures(**asdict(value))


def _class(scores: Scores) -> results.ClassFigures:
    return results.ClassFigures(**asdict(scores))


def _forgiving(truth: Truth, choice: Ints) -> Ints:
    """The department of either annotator: the one that the system chose, where one was."""
    return np.where(choice == truth.other, truth.other, truth.department)


def departments(truth: Truth, system: Predictions, seed: int) -> results.DepartmentFigures:
    """Routing figures; strict ones leave contested messages out, lenient ones take either label."""
    kept = truth.strict
    gold, choice = truth.department[kept], system.choice[kept]
    counts = confusion(gold, choice, _CLASSES)
    spread = resampled_macro_f1(gold, choice, _CLASSES, resamples(len(gold), seed=seed))
    either = _forgiving(truth, system.choice)
    real = either != NOTHING
    lenient = confusion(either[real], system.choice[real], _CLASSES)
    precision, recall, f1 = class_scores(counts)
    return results.DepartmentFigures(
        messages=int(kept.sum()),
        macro_f1=_interval(interval(float(macro_f1(counts)), spread)),
        accuracy=float((gold == choice).mean()),
        lenient_macro_f1=float(macro_f1(lenient)),
        lenient_accuracy=float((either == system.choice)[real].mean()),
        coverage=float((choice >= 0).mean()),
        classes={
            d.value: results.ClassFigures(
                precision=float(precision[i]),
                recall=float(recall[i]),
                f1=float(f1[i]),
                support=int((gold == i).sum()),
            )
            for i, d in enumerate(DEPARTMENTS)
        },
        confusion=counts.tolist(),
    )


def calibration(truth: Truth, system: Predictions) -> results.CalibrationFigures:
    """How far confidence and accuracy lie apart, where the system answered."""
    kept = truth.strict & system.covered
    right = system.choice[kept] == truth.department[kept]
    table = reliability(system.confidence[kept], right)
    return results.CalibrationFigures(
        ece=table.error,
        count=table.count.tolist(),
        confidence=table.confidence.tolist(),
        accuracy=table.accuracy.tolist(),
    )


def _reason(gold: Bools, flag: Bools, named: Bools | None) -> results.ReasonFigures:
    support = int(gold.sum())
    return results.ReasonFigures(
        support=support,
        flagged=float(flag[gold].mean()) if support else float("nan"),
        named=float(named[gold].mean()) if support and named is not None else None,
    )


def urgent(truth: Truth, system: Predictions) -> results.UrgentFigures:
    """Figures of urgency; messages whose urgency is contested count in the lenient ones only."""
    kept = ~truth.contested_urgent
    gold, flag, score = truth.urgent[kept], system.urgent[kept], system.urgent_score[kept]
    either = np.where(truth.contested_urgent, system.urgent, truth.urgent).astype(bool)
    reasons = {
        reason.value: _reason(
            truth.reasons[kept, i] & gold,
            flag,
            None if system.reasons is None else system.reasons[kept, i],
        )
        for i, reason in enumerate(REASONS)
    }
    return results.UrgentFigures(
        messages=int(kept.sum()),
        flag=_class(binary_scores(gold, flag)),
        lenient_flag=_class(binary_scores(either, system.urgent)),
        average_precision=average_precision(gold, score),
        precision_at_recall_90=precision_at_recall(gold, score, _RECALL),
        reasons=reasons,
    )


def _thinned(values: Floats) -> list[float]:
    at = np.unique(np.linspace(0, len(values) - 1, min(_POINTS, len(values))).round().astype(int))
    return [round(float(value), 5) for value in values[at]]


def curve(truth: Truth, system: Predictions) -> results.CurveFigures:
    """Risk against coverage as the confidence asked for falls; no answer is never covered."""
    kept = truth.strict
    right = (system.choice == truth.department)[kept]
    confidence = np.where(system.covered, system.confidence, 0.0)[kept]
    coverage, risk = risk_coverage(confidence, right)
    return results.CurveFigures(
        coverage=_thinned(coverage),
        risk=_thinned(risk),
        coverage_at_95=coverage_at_risk(confidence, right, _RISK),
    )


def routed(truth: Truth, system: Predictions, seed: int) -> results.RoutedFigures | None:
    """What goes out without a person; one with nothing to handle that goes out is wrong."""
    if system.routed is None:
        return None
    kept = system.routed & ~truth.contested
    right = (system.choice == truth.department)[kept]
    either = (_forgiving(truth, system.choice) == system.choice)[system.routed]
    value, spread = float("nan"), np.full(1, np.nan)
    if len(right):
        value = float(right.mean())
        spread = right[resamples(len(right), seed=seed)].mean(axis=1)
    return results.RoutedFigures(
        coverage=float(kept.sum() / max(1, (~truth.contested).sum())),
        accuracy=_interval(interval(value, spread)),
        lenient_accuracy=float(either.mean()) if len(either) else float("nan"),
        messages=int(kept.sum()),
    )


def nothing(truth: Truth, system: Predictions) -> results.NothingFigures | None:
    """Whether messages with nothing to handle were noticed."""
    if system.nothing is None:
        return None
    scores = binary_scores(truth.department == NOTHING, system.nothing)
    alarms = int((system.nothing & (truth.department != NOTHING)).sum())
    return results.NothingFigures(support=scores.support, recall=scores.recall, false_alarms=alarms)


def sets(truth: Truth, system: Predictions, seed: int) -> results.SetFigures | None:
    """How often the set of departments holds the right one (marginal coverage), and its size."""
    if system.sets is None:
        return None
    kept = truth.strict
    given, gold = system.sets[kept], truth.department[kept]
    holds = given[np.arange(len(gold)), gold]
    spread = holds[resamples(len(holds), seed=seed)].mean(axis=1)
    size = given.sum(axis=1)
    return results.SetFigures(
        messages=len(gold),
        coverage=_interval(interval(float(holds.mean()), spread)),
        mean_size=float(size.mean()),
        singletons=float((size == 1).mean()),
    )


def system_figures(
    name: str, label: str, truth: Truth, system: Predictions, *, seed: int = 0
) -> results.SystemFigures:
    """All figures of one system; `label` is its name for people."""
    return results.SystemFigures(
        name=name,
        label=label,
        departments=departments(truth, system, seed),
        calibration=calibration(truth, system),
        urgent=urgent(truth, system),
        curve=curve(truth, system),
        routed=routed(truth, system, seed),
        nothing=nothing(truth, system),
        sets=sets(truth, system, seed),
    )
