"""An invented data set and a pipeline with a model that reads two words."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from eval.costs import RuntimeFigures, TimeFigures, WindowFigures
from triage.bundle import MANIFEST, Bundle, Manifest
from triage.decision import Thresholds
from triage.fusion import FusionWeights
from triage.labels import CLASSES, REASONS
from triage.models import LinearModel, ModelOutput
from triage.models.linear import ngram_keys
from triage.normalise import NORMALISER_VERSION, Normalised
from triage.pipeline import Pipeline
from triage.rules import RuleEngine

WORDS = {"civil": "欠款", "administrative": "低保", "public_interest": "油烟", "complaints": "受贿"}
SECRET = "门牌柒拾柒号"
"""A piece of text that must stay out of every output but the page."""
_TIMES = TimeFigures(median_ms=11.5, p90_ms=14.0, cpu_median_ms=12.5, cpu_p90_ms=13.0)
RUNTIME = RuntimeFigures(
    cold_start_s=[1.0, 1.2],
    cold_start_median_s=1.1,
    cold_start_cpu_s=0.9,
    resident_mib=120.0,
    proportional_mib=None,
    messages=3,
    latency_median_ms=4.0,
    latency_p99_ms=9.0,
    latency_cpu_ms=3.5,
    window=WindowFigures(
        messages=40, rounds=3, shortest=158, longest=163, message=_TIMES, encoder=_TIMES
    ),
    cores=2,
    load=0.5,
)


class WordModel:
    """Knows one word per department and takes 危险 for urgent."""

    version = "words"

    def predict(self, title: Normalised | None, body: Normalised) -> ModelOutput:
        text = (title.text if title else "") + body.text
        scores = [4.0 if WORDS.get(name, "广告") in text else 0.0 for name in CLASSES]
        urgent = 3.0 if "危险" in text else -3.0
        return ModelOutput(
            classes=np.array(scores, dtype=np.float32),
            urgent=urgent,
            reasons=np.array([urgent] + [-3.0] * (len(REASONS) - 1), dtype=np.float32),
            truncated=False,
        )


def _linear() -> LinearModel:
    columns = len(CLASSES) + 1
    keys = np.unique(ngram_keys("的"))
    return LinearModel(
        keys,
        np.ones(len(keys), dtype=np.float32),
        np.zeros((len(keys), columns), dtype=np.int8),
        np.ones(columns, dtype=np.float32),
        np.zeros(columns, dtype=np.float32),
    )


def manifest(conformal: float | None = None) -> Manifest:
    return Manifest(
        name="fake",
        version="1",
        created="2024-05-01T00:00:00+00:00",
        classes=CLASSES,
        reasons=tuple(REASONS),
        max_length=64,
        normaliser=NORMALISER_VERSION,
        temperature=2.0,
        urgent_temperature=1.0,
        fusion=FusionWeights(
            model=1.0, linear=0.0, rules=0.0, bias=(0.0,) * 5,
            urgent_model=1.0, urgent_linear=0.0, urgent_rules=0.0, urgent_bias=0.0,
        ),
        thresholds=Thresholds(
            review=0.6, nothing=0.5, urgent=0.4, reason=0.5, certain_rule=6.0, disagree=50.0,
            conformal=conformal,
        ),
        rulebook="any",
        training={},
        metrics={},
        files={},
    )  # fmt: skip


def fake_pipeline(folder: Path, conformal: float | None = None) -> Pipeline:
    made = manifest(conformal)
    (folder / MANIFEST).write_text(made.model_dump_json())
    return Pipeline(Bundle(folder, made, WordModel(), _linear()), RuleEngine.default())


def row(number: int, department: str, **changes: object) -> dict[str, object]:
    return {
        "id": f"m{number}",
        "title": None,
        "text": f"关于{WORDS.get(department, '广告')}的事情，第{number}次反映，{SECRET}。",
        "department": department,
        "second": None,
        "urgent": 0,
        "reasons": [],
        "source": "board" if number % 2 else "desk",
        "sampled": "natural",
        "contested": False,
        "contested_urgent": False,
        **changes,
    }


def rows(times: int = 3) -> list[dict[str, object]]:
    """Messages that the fake model gets right, `times` for each department."""
    return [row(n * len(WORDS) + i, d) for n in range(times) for i, d in enumerate(WORDS)]


def write_rows(path: Path, records: list[dict[str, object]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in records), "utf-8")
    return path
