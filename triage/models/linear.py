"""A linear voice on character n-grams: cheap, and strong where a small encoder is weak.

TF-IDF of character 1- to 3-grams with sublinear counts and unit length (Salton & Buckley 1988),
a weight per n-gram and class in int8. An n-gram is its code points packed into 63 bits, so that
there are no collisions and no strings to store.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from triage.labels import CLASSES

_BITS: Final = 21
MAX_N: Final = 3
FIELDS: Final = ("keys", "idf", "weights", "scales", "bias")

Keys = NDArray[np.int64]
Floats = NDArray[np.float32]


def _ngrams(text: str) -> Iterator[Keys]:
    """Packed keys of the 1-grams, 2-grams and 3-grams of `text`, each in order."""
    points = np.frombuffer(text.encode("utf-32-le"), dtype=np.uint32).astype(np.int64)
    keys = points
    for n in range(1, min(MAX_N, len(points)) + 1):
        if n > 1:
            keys = (keys[:-1] << _BITS) | points[n - 1 :]
        yield keys


def ngram_keys(text: str) -> Keys:
    """Packed keys of all character 1- to 3-grams of `text`, repeats kept."""
    return np.concatenate([np.zeros(0, dtype=np.int64), *_ngrams(text)])


def join_fields(title: str | None, body: str) -> str:
    """The text that the linear voice reads."""
    return f"{title}\n{body}" if title else body


# A message is scored and then explained: its n-grams are counted once.
@lru_cache(maxsize=4)
def term_frequencies(text: str) -> tuple[Keys, Floats]:
    """Sorted distinct keys of `text` and `1 + log(count)` of each; not to be written to."""
    keys, counts = np.unique(ngram_keys(text), return_counts=True)
    return keys, (1.0 + np.log(counts)).astype(np.float32)


def lookup(keys: Keys, wanted: Keys) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Where each of `wanted` stands in the sorted `keys`, and whether it is there at all."""
    at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return at, keys[at] == wanted


@dataclass(frozen=True, slots=True)
class LinearOutput:
    """`classes` `[5]` and `urgent`, raw scores."""

    classes: Floats
    urgent: float


class LinearModel:
    """Scores from sorted `keys` `[n]`, `idf` `[n]`, int8 `weights` `[n, 6]`, `scales`, `bias`.

    Columns are `labels.CLASSES` and then urgency.
    """

    def __init__(self, keys: Keys, idf: Floats, weights: NDArray[np.int8], scales: Floats,
                 bias: Floats) -> None:  # fmt: skip
        columns = len(CLASSES) + 1
        # Half precision on disk would make a saved model answer otherwise than the fitted one.
        idf = idf.astype(np.float16).astype(np.float32)
        if weights.shape != (len(keys), columns) or idf.shape != keys.shape or not len(keys):
            raise ValueError("the arrays of the linear model do not fit together")
        if scales.shape != (columns,) or bias.shape != (columns,):
            raise ValueError(f"the linear model needs {columns} scales and biases")
        self._keys, self._idf, self._weights = keys, idf, weights
        self._scales, self._bias = scales, bias

    @classmethod
    def load(cls, path: Path) -> LinearModel:
        """Read the arrays of an `.npz` file without pickle.

        Raises:
            OSError, ValueError, KeyError: the file is missing, damaged or lacks an array.
        """
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            return cls(*(arrays[name] for name in FIELDS))

    def arrays(self) -> tuple[NDArray[np.generic], ...]:
        """The arrays in the order of `FIELDS`, for saving."""
        return self._keys, self._idf, self._weights, self._scales, self._bias

    def attribute(self, text: str, column: int) -> Floats:
        """How much each character of a normalised `text` spoke for a column; shape `[len(text)]`.

        The score of an n-gram is shared out evenly over its characters at every occurrence.
        """
        keys, counts = term_frequencies(text)
        at, known = lookup(self._keys, keys)
        scores = counts * self._idf[at] * self._weights[at, column] * self._scales[column]
        scores = np.where(known, scores, 0.0)
        shares = np.zeros(len(text), dtype=np.float64)
        for n, grams in enumerate(_ngrams(text), start=1):
            found = np.searchsorted(keys, grams)
            repeats = np.bincount(found, minlength=len(keys))[found]
            each = scores[found] / (repeats * n)
            for offset in range(n):
                shares[offset : offset + len(grams)] += each
        return shares.astype(np.float32)

    def predict(self, text: str) -> LinearOutput:
        """Score the text of `join_fields`, already normalised."""
        keys, counts = term_frequencies(text)
        at, known = lookup(self._keys, keys)
        at, values = at[known], counts[known] * self._idf[at[known]]
        length = float(np.sqrt(np.dot(values, values))) or 1.0
        scores = (values / length) @ self._weights[at].astype(np.float32)
        scores = scores * self._scales + self._bias
        return LinearOutput(scores[:-1].astype(np.float32), float(scores[-1]))
