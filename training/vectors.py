"""Word vectors from co-occurrence counts: what an encoder's embeddings start from.

Positive pointwise mutual information, factorised (Levy & Goldberg 2014, with the smoothed
contexts of Levy, Goldberg & Dagan 2015): one pass over the text teaches in two minutes which
words are alike, for which masked-language modelling needs hours on a CPU.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.utils.extmath import randomized_svd

from training.packing import WORD_START, Tokens
from training.runtime import counted
from training.vocabulary import SPECIAL

_REACH, _CHUNK, _SMOOTHING, _SEEN = 5, 4_000_000, 0.75, 2.0
_STD: Final = 0.02


def _cooccurrence(tokens: Tokens, vocabulary: int) -> csr_matrix:
    """Counts `[vocabulary, vocabulary]` of words at most 5 apart, nearer ones counted more."""
    total = csr_matrix((vocabulary, vocabulary), dtype=np.float32)
    for start in counted(range(0, len(tokens), _CHUNK), "co-occurrence, 4 M tokens each"):
        ids = (np.asarray(tokens[start : start + _CHUNK]) & ~WORD_START).astype(np.int32)
        for distance in range(1, _REACH + 1):
            left, right = ids[:-distance], ids[distance:]
            weight = np.full(len(left), 1.0 / distance, dtype=np.float32)
            total = total + csr_matrix((weight, (left, right)), shape=total.shape)
    return total + total.T


def word_vectors(tokens: Tokens, vocabulary: int, width: int, seed: int = 1) -> NDArray[np.float32]:
    """Vectors `[vocabulary, width]` of equal length, of standard deviation 0.02 per number."""
    counts = _cooccurrence(tokens, vocabulary).tocoo()
    words = len(SPECIAL)
    kept = (counts.data >= _SEEN) & (counts.row >= words) & (counts.col >= words)
    row, column, seen = counts.row[kept], counts.col[kept], counts.data[kept].astype(np.float64)
    of_word = np.bincount(row, seen, vocabulary)
    of_context = of_word**_SMOOTHING
    gain = np.log(seen * of_context.sum() / (of_word[row] * of_context[column]))
    positive = gain > 0
    matrix = csr_matrix(
        (gain[positive].astype(np.float32), (row[positive], column[positive])),
        shape=(vocabulary, vocabulary),
    )
    left, strength, _ = randomized_svd(matrix, width, n_iter=3, random_state=seed)
    vectors = (left * np.sqrt(strength)).astype(np.float32)
    rng = np.random.default_rng(seed)
    unseen = np.linalg.norm(vectors, axis=1) < 1e-6
    vectors[unseen] = rng.standard_normal((int(unseen.sum()), width))
    # A random turn: otherwise the first numbers would carry nearly everything.
    turn, _ = np.linalg.qr(rng.standard_normal((width, width)))
    vectors = vectors @ turn.astype(np.float32)
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    result: NDArray[np.float32] = (vectors / norms * _STD * np.sqrt(width)).astype(np.float32)
    return result
