"""Systems beside each other, and the shipped decision on parts of the messages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Final

import numpy as np

from eval.data import Labelled, Truth
from eval.intervals import interval, mcnemar, resampled_macro_f1, resamples
from eval.metrics import Bools, confusion, macro_f1
from eval.results import ComparisonFigures, SliceFigures
from eval.script import script
from eval.systems import BASELINE, FUSION, MODEL, Predictions
from eval.values import IntervalFigures
from triage.labels import DEPARTMENTS

_CLASSES: Final = len(DEPARTMENTS)
LENGTHS: Final = (50, 100, 200, 400, 800)


def strict_macro_f1(truth: Truth, system: Predictions) -> float:
    """Macro-F1 on the messages of the strict figures."""
    kept = truth.strict
    return float(macro_f1(confusion(truth.department[kept], system.choice[kept], _CLASSES)))


def compare(
    truth: Truth, systems: Mapping[str, Predictions], name: str, other: str, *, seed: int = 0
) -> ComparisonFigures:
    """Whether the system `name` is better than `other`, on the messages of the strict figures."""
    kept = truth.strict
    gold = truth.department[kept]
    ours, theirs = systems[name].choice[kept], systems[other].choice[kept]
    samples = resamples(len(gold), seed=seed)
    spread = resampled_macro_f1(gold, ours, _CLASSES, samples) - resampled_macro_f1(
        gold, theirs, _CLASSES, samples
    )
    gain = strict_macro_f1(truth, systems[name]) - strict_macro_f1(truth, systems[other])
    better, worse, p = mcnemar(gold == ours, gold == theirs)
    figures = IntervalFigures(**asdict(interval(gain, spread)))
    return ComparisonFigures(
        system=name, other=other, gain=figures, better=better, worse=worse, p=p
    )


def comparisons(
    truth: Truth, systems: Mapping[str, Predictions], *, seed: int = 0
) -> list[ComparisonFigures]:
    """The shipped decision against every other system, and the model alone against the baseline."""
    pairs = [(FUSION, name) for name in systems if name != FUSION]
    if MODEL in systems and BASELINE in systems:
        pairs.append((MODEL, BASELINE))
    return [compare(truth, systems, name, other, seed=seed) for name, other in pairs]


def length_band(length: int) -> str:
    """The band of a text's length in characters, such as `51–100`."""
    lower = 0
    for upper in LENGTHS:
        if length <= upper:
            return f"{lower + 1}–{upper}"
        lower = upper
    return f"> {lower}"


def _groups(records: Sequence[Labelled]) -> dict[str, list[str]]:
    return {
        "source": [r.source for r in records],
        "length": [length_band(len(r.text)) for r in records],
        "title": ["with title" if r.title else "without title" for r in records],
        "sampled": [r.sampled for r in records],
        "script": [script(f"{r.title or ''}\n{r.text}") for r in records],
    }


def _order(value: str) -> tuple[int, str]:
    """Bands by length, other values by name."""
    bands = [length_band(length) for length in (*LENGTHS, LENGTHS[-1] + 1)]
    return (bands.index(value) if value in bands else -1, value)


def _slice(
    group: str, value: str, part: Bools, truth: Truth, systems: Mapping[str, Predictions]
) -> SliceFigures:
    kept = part & truth.strict
    alarms = part & truth.urgent & ~truth.contested_urgent
    gold, shipped = truth.department[kept], systems[FUSION]
    counts = confusion(gold, shipped.choice[kept], _CLASSES)
    complete = bool((counts.sum(axis=1) > 0).all())
    return SliceFigures(
        group=group,
        value=value,
        messages=len(gold),
        accuracy={
            name: float((gold == system.choice[kept]).mean()) if len(gold) else None
            for name, system in systems.items()
        },
        # A class without examples would pull the mean down for no fault of the system.
        macro_f1=float(macro_f1(counts)) if complete else None,
        urgent=int(alarms.sum()),
        urgent_recall=float(shipped.urgent[alarms].mean()) if alarms.any() else None,
    )


def slices(
    records: Sequence[Labelled], truth: Truth, systems: Mapping[str, Predictions]
) -> Iterator[SliceFigures]:
    """Figures by source, length, title, way of sampling and script."""
    for group, values in _groups(records).items():
        column = np.array(values)
        for value in sorted(set(values), key=_order):
            yield _slice(group, value, column == value, truth, systems)
