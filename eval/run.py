"""One evaluation from files to a `Report` and the errors, which are kept apart."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import numpy as np

from eval.baseline import SETTINGS
from eval.budget import budget
from eval.compare import comparisons, slices
from eval.costs import RuntimeFigures
from eval.data import Labelled, Truth, fingerprint, truth_of
from eval.intervals import RESAMPLES
from eval.measure import system_figures
from eval.results import Report
from eval.robustness import converted_figures
from eval.systems import BASELINE, FUSION, MODEL, OTHER, RULES, Predictions
from triage.decision import Thresholds
from triage.errors import InputFileError
from triage.labels import CLASSES, DEPARTMENTS
from triage.types import Versions

LABELS: Final[dict[str, str]] = {
    RULES: "rules alone 规则",
    MODEL: "model alone 模型",
    FUSION: "fusion 融合（shipped）",
    BASELINE: "baseline TF-IDF + LR 基线",
    OTHER: "other bundle 对照模型包",
}


@dataclass(frozen=True, slots=True)
class Mistake:
    """A message that the shipped decision got wrong, with its text: for the local page only."""

    record: Labelled
    chosen: str
    confidence: float
    urgent: bool
    urgent_score: float
    routed: bool
    wrong_department: bool
    wrong_urgency: bool


@dataclass(frozen=True, slots=True)
class Subject:
    """What is evaluated: the labelled file, and who made the decisions with which thresholds.

    `files`: size in bytes of every file of the bundle, by name.
    """

    path: Path
    versions: Versions
    thresholds: Thresholds
    files: Mapping[str, int]


def check(records: Sequence[Labelled], path: Path) -> Truth:
    """The labels of `records`.

    Raises:
        InputFileError: no message counts in the strict figures.
    """
    truth = truth_of(records)
    if not truth.strict.any():
        raise InputFileError(
            f"{path}: every message is contested or has nothing to handle; "
            "add messages with a department"
        )
    return truth


def evaluate(
    subject: Subject,
    records: Sequence[Labelled],
    systems: Mapping[str, Predictions],
    runtime: Callable[[], RuntimeFigures | None] = lambda: None,
    *,
    converted: Predictions | None = None,
    seed: int = 0,
) -> Report:
    """All figures. `systems` by name, `systems.FUSION` among them.

    `converted`: the shipped answers to the same messages in traditional characters.

    Raises:
        InputFileError: no message counts in the strict figures.
    """
    truth = check(records, subject.path)
    files, costs = dict(subject.files), runtime()
    return Report(
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        data=subject.path.name,
        data_sha256=fingerprint([subject.path]),
        messages=len(records),
        strict_messages=int(truth.strict.sum()),
        versions=subject.versions.model_dump(),
        thresholds=subject.thresholds.model_dump(exclude_none=True),
        settings={"seed": seed, "resamples": RESAMPLES, **SETTINGS},
        systems=[
            system_figures(name, LABELS[name], truth, system, seed=seed)
            for name, system in systems.items()
        ],
        comparisons=comparisons(truth, systems, seed=seed),
        slices=list(slices(records, truth, systems)),
        converted=(
            None
            if converted is None
            else converted_figures(records, truth, systems[FUSION], converted)
        ),
        files=files,
        runtime=costs,
        budget=budget(files, costs),
    )


def mistakes(records: Sequence[Labelled], shipped: Predictions) -> list[Mistake]:
    """Wrong departments, the most confident first, then wrong urgency; no contested labels."""
    truth = truth_of(records)
    department = truth.strict & (shipped.choice != truth.department)
    urgency = ~truth.contested_urgent & (shipped.urgent != truth.urgent)
    wrong = np.flatnonzero(department | urgency).tolist()
    order = sorted(wrong, key=lambda i: (-int(department[i]), -shipped.confidence[i], i))
    return [
        Mistake(
            record=records[i],
            chosen=DEPARTMENTS[shipped.choice[i]].value if shipped.covered[i] else CLASSES[-1],
            confidence=float(shipped.confidence[i]),
            urgent=bool(shipped.urgent[i]),
            urgent_score=float(shipped.urgent_score[i]),
            routed=bool(shipped.routed is not None and shipped.routed[i]),
            wrong_department=bool(department[i]),
            wrong_urgency=bool(urgency[i]),
        )
        for i in order
    ]
