"""What the voices of a bundle say of labelled messages, and how often they are right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score

from training.data import Example
from training.export import Parity
from training.finetune import macro_f1
from training.linear_fit import linear_text
from training.runtime import counted
from triage.decision import Thresholds, decide
from triage.fusion import Floats64, FusionWeights, Voices, fuse
from triage.labels import DEPARTMENTS
from triage.models import LinearModel, OnnxModel
from triage.rules import RuleEngine


def ask(model: OnnxModel, linear: LinearModel, examples: Sequence[Example]) -> list[Voices]:
    """Encoder, linear voice and rules, for every example."""
    rules = RuleEngine.default()
    return [
        Voices(
            model=model.predict(e.title, e.body),
            linear=linear.predict(linear_text(e)),
            rules=rules.apply(e.title, e.body),
        )
        for e in counted(examples, "voices", len(examples))
    ]


def strict(examples: Sequence[Example]) -> list[Example]:
    """Those of a department that no second annotator contested."""
    return [e for e in examples if not e.contested and e.label < len(DEPARTMENTS)]


def _error_of_calibration(confidence: Floats64, right: NDArray[np.bool_]) -> float:
    """Expected calibration error (Guo et al. 2017) over bins of equal mass."""
    bins = np.array_split(np.argsort(confidence, kind="stable"), 15)
    gaps = [len(b) * abs(confidence[b].mean() - right[b].mean()) for b in bins if len(b)]
    return float(np.sum(gaps)) / len(confidence)


def measure(what: str, voices: Sequence[Voices], examples: Sequence[Example],
            weights: FusionWeights, thresholds: Thresholds) -> dict[str, float]:  # fmt: skip
    """Figures of the voices and of the decisions, for messages that have a department.

    Macro-F1 of the encoder, the linear voice and the fusion over the four departments; of the
    decisions accuracy, calibration, what is routed without a person and how much of it is right,
    how often the set of departments holds the right one; average precision, precision and recall
    of urgency.
    """
    real = [i for i, e in enumerate(examples) if e.label < len(DEPARTMENTS)]
    four = slice(0, len(DEPARTMENTS))
    labels = np.array([examples[i].label for i in real])
    urgent = np.array([examples[i].urgent for i in real])
    agreed = np.array([not examples[i].contested_urgent for i in real])
    fused = [fuse(voices[i], weights) for i in real]
    by: dict[str, NDArray[np.floating]] = {
        "model": np.stack([voices[i].model.classes[four] for i in real]),
        "linear": np.stack([voices[i].linear.classes[four] for i in real]),
        "fusion": np.stack([f.classes[four] for f in fused]),
    }
    found = {f"macro_f1_{name}": macro_f1(scores, labels.tolist()) for name, scores in by.items()}
    verdicts = [
        decide(voices[i], f, thresholds, damaged=False) for i, f in zip(real, fused, strict=True)
    ]
    right = np.array([DEPARTMENTS.index(v.department) for v in verdicts]) == labels
    routed = np.array([not v.review for v in verdicts])
    alarm = np.array([v.urgent for v in verdicts])
    found["accuracy"] = float(right.mean())
    found["ece"] = _error_of_calibration(np.array([v.probabilities.max() for v in verdicts]), right)
    found["routed_share"] = float(routed.mean())
    if routed.any():
        found["routed_right"] = float(right[routed].mean())
    if thresholds.conformal is not None:
        own = np.array([v.probabilities[k] for v, k in zip(verdicts, labels, strict=True)])
        found["set_coverage"] = float((right | (own >= thresholds.conformal)).mean())
    urgent, alarm = urgent[agreed], alarm[agreed]
    if urgent.any():
        scores = np.array([f.urgent for f in fused])[agreed]
        found["urgent_average_precision"] = float(average_precision_score(urgent, scores))
        found["urgent_recall"] = float(alarm[urgent].mean())
        found["urgent_precision"] = float(urgent[alarm].mean()) if alarm.any() else 0.0
    return {f"{what}_{name}": round(value, 4) for name, value in found.items()}


def parity_figures(parity: dict[str, Parity]) -> dict[str, float]:
    """The parities of the exports as metrics of the manifest."""
    return {
        f"{what}_{name}": round(value, 5)
        for what, result in parity.items()
        for name, value in asdict(result).items()
    }
