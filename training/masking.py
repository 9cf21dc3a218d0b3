"""Dynamic whole-word masking of packed token blocks (Devlin et al. 2019; Cui et al. 2021)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.packing import WORD_START, Tokens
from training.vocabulary import CLS, MASK, SEP, SPECIAL

Ids = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class MaskedBatch:
    """`inputs` `[batch, length]`; `positions` `[m]` index the flattened batch; `targets` `[m]`."""

    inputs: Ids
    positions: Ids
    targets: Ids


def sample_blocks(tokens: Tokens, count: int, length: int, rng: np.random.Generator) -> Tokens:
    """`count` random windows of `length - 1` tokens behind a `[CLS]`; shape `[count, length]`."""
    starts = rng.integers(0, len(tokens) - length, size=count)
    blocks = np.stack([tokens[s : s + length - 1] for s in starts])
    head = np.full((count, 1), CLS | int(WORD_START), dtype=np.uint16)
    return np.concatenate([head, blocks], axis=1)


def mask_words(
    blocks: Tokens, vocabulary: int, rng: np.random.Generator, rate: float = 0.15
) -> MaskedBatch:
    """Hide whole words: of the chosen tokens 80 % `[MASK]`, 10 % random, 10 % unchanged."""
    ids = (blocks & ~WORD_START).astype(np.int64)
    starts = (blocks & WORD_START) != 0
    starts[:, 0] = True
    words = np.cumsum(starts.ravel()) - 1
    chosen = (rng.random(int(words[-1]) + 1) < rate)[words].reshape(ids.shape)
    chosen &= (ids != CLS) & (ids != SEP)
    positions = np.flatnonzero(chosen)
    targets = ids.ravel()[positions].copy()
    fate = rng.random(len(positions))
    shown = np.where(fate < 0.8, MASK, targets)
    random = rng.integers(len(SPECIAL), vocabulary, size=len(positions))
    shown = np.where(fate >= 0.9, random, shown)
    inputs = ids.copy()
    inputs.ravel()[positions] = shown
    return MaskedBatch(inputs, positions, targets)
