"""Messages as padded batches of token ids, in the windows that serving builds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from training.data import Example
from triage.models.window import Window, Windower

Ids = NDArray[np.int64]


def windows(examples: Sequence[Example], windower: Windower) -> list[Window]:
    """The model's input of every example, as serving builds it."""
    return [windower(e.title.text if e.title else None, e.body.text) for e in examples]


def pad(chosen: Sequence[Window]) -> tuple[Ids, Ids, Ids]:
    """Ids, segments and mask of some windows; each `[batch, longest]`."""
    length = max(len(window.ids) for window in chosen)
    ids = np.zeros((len(chosen), length), dtype=np.int64)
    segments, mask = ids.copy(), ids.copy()
    for row, window in enumerate(chosen):
        ids[row, : len(window.ids)] = window.ids
        segments[row, : len(window.ids)] = window.segments
        mask[row, : len(window.ids)] = 1
    return ids, segments, mask


def tensors(arrays: Sequence[NDArray[np.generic]], on: torch.device) -> list[torch.Tensor]:
    """The arrays on a device."""
    return [torch.from_numpy(array).to(on) for array in arrays]


def hide(ids: Ids, rate: float, mask_token: int, rng: np.random.Generator) -> Ids:
    """`ids` with a share of the tokens hidden, so that no decision hangs on a single word.

    Special tokens, which stand before the mask token in every vocabulary here and in BERT's, and
    padding stay.
    """
    chosen = (rng.random(ids.shape) < rate) & (ids > mask_token)
    return np.where(chosen, mask_token, ids)


def similar_lengths(
    inputs: Sequence[Window], size: int, rng: np.random.Generator
) -> Iterator[NDArray[np.int64]]:
    """Random batches of messages of similar length: padding would triple the time."""
    order = rng.permutation(len(inputs))
    pool = 50 * size
    batches = []
    for start in range(0, len(order), pool):
        part = sorted(order[start : start + pool], key=lambda i: len(inputs[i].ids))
        batches += [np.array(part[i : i + size]) for i in range(0, len(part), size)]
    yield from (batches[i] for i in rng.permutation(len(batches)))
