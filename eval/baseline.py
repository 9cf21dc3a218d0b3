"""The linear baseline: character 1- to 3-gram TF-IDF and logistic regression (scikit-learn)."""

from __future__ import annotations

import hashlib
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import sklearn
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from eval.data import Labelled, fingerprint, read_labelled
from eval.metrics import Floats
from eval.systems import Predictions
from triage.errors import InputFileError
from triage.labels import CLASSES, DEPARTMENTS

SETTINGS: Final[dict[str, str | int | float]] = {
    "form": "title, line break, text; as received",
    "ngrams": "characters, 1 to 3",
    "min_df": 3,
    "sublinear_tf": 1,
    "C": 20,
    "class_weight": "balanced",
    "max_iter": 1_000,
}
_EVEN: Final = 0.5


def _text(record: Labelled) -> str:
    return f"{record.title or ''}\n{record.text}"


def _fit(train: Sequence[Labelled], test: Sequence[Labelled]) -> tuple[Floats, Floats]:
    """Probabilities of the classes `[n, 5]` and of urgency `[n]` for `test`."""
    vectors = TfidfVectorizer(
        analyzer="char",
        ngram_range=(1, 3),
        min_df=SETTINGS["min_df"],
        sublinear_tf=bool(SETTINGS["sublinear_tf"]),
    )
    known = vectors.fit_transform([_text(r) for r in train])
    asked = vectors.transform([_text(r) for r in test])
    label = np.array([CLASSES.index(r.department) for r in train])
    urgent = np.array([r.urgent for r in train])
    classes = np.zeros((len(test), len(CLASSES)))
    alarm = np.zeros(len(test))
    settings = {name: SETTINGS[name] for name in ("C", "class_weight", "max_iter")}
    model = LogisticRegression(**settings).fit(known, label)
    classes[:, model.classes_] = model.predict_proba(asked)
    if urgent.any() and not urgent.all():
        alarm = LogisticRegression(**settings).fit(known, urgent).predict_proba(asked)[:, 1]
    return classes, alarm


def _predictions(classes: Floats, alarm: Floats) -> Predictions:
    four = classes[:, : len(DEPARTMENTS)]
    return Predictions(
        probabilities=four / four.sum(axis=1, keepdims=True),
        choice=four.argmax(axis=1).astype(np.int64),
        urgent_score=alarm,
        urgent=alarm >= _EVEN,
        nothing=classes.argmax(axis=1) == len(DEPARTMENTS),
    )


def _load(file: Path, count: int) -> tuple[Floats, Floats] | None:
    """The stored answers, or None where there are none that can be used."""
    try:
        with np.load(file, allow_pickle=False) as arrays:
            classes, alarm = arrays["classes"], arrays["alarm"]
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):
        return None
    return (classes, alarm) if classes.shape == (count, len(CLASSES)) else None


def _store(file: Path, classes: Floats, alarm: Floats) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    # Renamed into place, so that an interrupted run leaves no half file behind.
    with tempfile.NamedTemporaryFile(dir=file.parent, suffix=".npz", delete=False) as part:
        np.savez(part, classes=classes, alarm=alarm)
    Path(part.name).replace(file)


def baseline(train: Path, test: Path, cache: Path) -> Predictions:
    """Answers to `test` by the baseline fitted on all of `train`, kept below `cache`.

    Fitting takes about a minute; with unchanged files and settings the stored answers are used.

    Raises:
        InputFileError: a file cannot be read, or `train` has fewer than two departments.
    """
    asked = read_labelled(test)
    if not train.is_file():
        raise InputFileError(f"{train} is missing; the baseline is fitted on it")
    text = f"{fingerprint([train, test])} {sorted(SETTINGS.items())} {sklearn.__version__}"
    file = cache / f"baseline-{hashlib.sha256(text.encode()).hexdigest()[:16]}.npz"
    stored = _load(file, len(asked))
    if stored is None:
        known = read_labelled(train)
        if len({r.department for r in known}) < 2:
            raise InputFileError(f"{train} has one department only; the baseline needs two or more")
        stored = _fit(known, asked)
        _store(file, *stored)
    return _predictions(*stored)
