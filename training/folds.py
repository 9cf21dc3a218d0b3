"""Cross-validation folds and nested subsets that keep near-duplicates together."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold

from training.split import near_duplicate_groups
from triage.errors import InputFileError

Indices = NDArray[np.int64]


def grouped_folds(
    groups: Sequence[int], labels: Sequence[int], folds: int, seed: int
) -> list[Indices]:
    """Ascending indices of each fold; no group stands in two, classes are spread evenly.

    Raises:
        InputFileError: there are too few messages for so many folds.
    """
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    rows = np.zeros((len(labels), 1))
    try:
        with warnings.catch_warnings():
            # A class rarer than the folds is spread as far as it goes.
            warnings.filterwarnings("ignore", "The least populated class", UserWarning)
            parts = [np.sort(part) for _, part in splitter.split(rows, labels, groups)]
    except ValueError as error:
        raise InputFileError(
            f"{len(labels)} messages do not fill {folds} folds; give more, or use fewer folds"
        ) from error
    if min(map(len, parts)) == 0:
        raise InputFileError(f"the near-duplicates leave less than {folds} folds; use fewer")
    return parts


def nested_subsets(texts: Sequence[str], shares: Sequence[float], seed: int) -> list[Indices]:
    """Ascending indices of about each share of the texts; a larger subset holds every smaller.

    Whole groups of near-duplicates are drawn: copies of one message are worth one label.
    """
    members: dict[int, list[int]] = {}
    for index, group in enumerate(near_duplicate_groups(texts)):
        members.setdefault(group, []).append(index)
    groups = list(members.values())
    order = np.random.default_rng(seed).permutation(len(groups))
    drawn = np.array([i for number in order for i in groups[number]], dtype=np.int64)
    ends = np.cumsum([len(groups[number]) for number in order])
    cuts = (ends[np.searchsorted(ends, round(share * len(texts)))] for share in shares)
    return [np.sort(drawn[:cut]) for cut in cuts]
