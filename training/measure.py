"""What the voices of a bundle say of labelled messages, and how often they are right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import numpy as np
from numpy.typing import NDArray

from training.data import Example
from training.export import Parity
from training.finetune import macro_f1
from training.linear_fit import linear_text
from training.runtime import counted
from triage.fusion import FusionWeights, Voices, fuse
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


def measure(what: str, voices: Sequence[Voices], examples: Sequence[Example],
            weights: FusionWeights) -> dict[str, float]:  # fmt: skip
    """Macro-F1 of the encoder, the linear voice and the fusion over the four departments."""
    real = [i for i, e in enumerate(examples) if e.label < len(DEPARTMENTS)]
    four = slice(0, len(DEPARTMENTS))
    labels = [examples[i].label for i in real]
    by: dict[str, NDArray[np.floating]] = {
        "model": np.stack([voices[i].model.classes[four] for i in real]),
        "linear": np.stack([voices[i].linear.classes[four] for i in real]),
        "fusion": np.stack([fuse(voices[i], weights).classes[four] for i in real]),
    }
    return {f"{what}_macro_f1_{name}": round(macro_f1(s, labels), 4) for name, s in by.items()}


def parity_figures(parity: dict[str, Parity]) -> dict[str, float]:
    """The parities of the exports as metrics of the manifest."""
    return {
        f"{what}_{name}": round(value, 5)
        for what, result in parity.items()
        for name, value in asdict(result).items()
    }
