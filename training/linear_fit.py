"""Fit the linear voice: TF-IDF of character n-grams and logistic regression, kept in int8."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression

from training.data import Example
from triage.labels import CLASSES
from triage.models.linear import FIELDS, LinearModel, join_fields, lookup, term_frequencies

_STRENGTH = 20.0  # C of the logistic regression, the baseline's
_URGENT_STRENGTH = 5.0


def linear_text(example: Example) -> str:
    """What the linear voice reads of a message."""
    return join_fields(example.title.text if example.title else None, example.body.text)


def _vocabulary(
    texts: Sequence[str], min_count: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    keys = np.concatenate([term_frequencies(text)[0] for text in texts])
    distinct, documents = np.unique(keys, return_counts=True)
    kept = documents >= min_count
    idf = np.log((1 + len(texts)) / (1 + documents[kept])) + 1
    return distinct[kept], idf.astype(np.float32)


def _matrix(texts: Sequence[str], keys: NDArray[np.int64], idf: NDArray[np.float32]) -> csr_matrix:
    columns, values, rows = [], [], [0]
    for text in texts:
        found, counts = term_frequencies(text)
        at, known = lookup(keys, found)
        row = counts[known] * idf[at[known]]
        columns.append(at[known])
        values.append(row / (np.linalg.norm(row) or 1.0))
        rows.append(rows[-1] + len(row))
    data = (np.concatenate(values), np.concatenate(columns), np.array(rows))
    return csr_matrix(data, shape=(len(texts), len(keys)))


def fit_linear(
    examples: Sequence[Example], *, features: int = 300_000, seed: int = 1
) -> LinearModel:
    """Fit on `examples` and keep the `features` n-grams with the largest weights."""
    texts = [linear_text(example) for example in examples]
    keys, idf = _vocabulary(texts, min_count=2)
    matrix = _matrix(texts, keys, idf)
    labels = np.array([example.label for example in examples])
    urgent = np.array([example.urgent for example in examples])
    weights = np.zeros((len(keys), len(CLASSES) + 1))
    bias = np.full(len(CLASSES) + 1, -10.0)  # a class that never occurs stays improbable
    model = LogisticRegression(
        C=_STRENGTH, class_weight="balanced", max_iter=300, random_state=seed
    ).fit(matrix, labels)
    if len(model.classes_) == 2:
        weights[:, model.classes_[1]], bias[model.classes_] = (
            model.coef_[0],
            (0, model.intercept_[0]),
        )
    else:
        weights[:, model.classes_], bias[model.classes_] = model.coef_.T, model.intercept_
    if urgent.any() and not urgent.all():
        alarm = LogisticRegression(
            C=_URGENT_STRENGTH, class_weight="balanced", max_iter=300, random_state=seed
        ).fit(matrix, urgent)
        weights[:, -1], bias[-1] = alarm.coef_[0], alarm.intercept_[0]
    return _quantise(keys, idf, weights, bias, features)


def _quantise(
    keys: NDArray[np.int64],
    idf: NDArray[np.float32],
    weights: NDArray[np.float64],
    bias: NDArray[np.float64],
    features: int,
) -> LinearModel:
    strength = np.abs(weights).max(axis=1) * idf
    kept = np.sort(np.argsort(-strength, kind="stable")[:features])
    scales = np.maximum(np.abs(weights[kept]).max(axis=0), 1e-6) / 127
    small = np.round(weights[kept] / scales).astype(np.int8)
    return LinearModel(
        keys[kept], idf[kept], small, scales.astype(np.float32), bias.astype(np.float32)
    )


def save_linear(model: LinearModel, path: Path) -> None:
    """Write the arrays as a compressed `.npz`; `idf` in half precision."""
    arrays = dict(zip(FIELDS, model.arrays(), strict=True))
    arrays["idf"] = arrays["idf"].astype(np.float16)
    np.savez_compressed(path, allow_pickle=False, **arrays)
