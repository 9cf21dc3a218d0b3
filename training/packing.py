"""Turn documents into one long array of tokens with word starts, cached on disk.

Words are cut by jieba once, so that whole words can be masked (Cui et al. 2021, "Pre-Training
With Whole Word Masking for Chinese BERT"). The cache is a `.npz` without pickle.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from training.vocabulary import SEP
from training.words import cut, map_batches, start_jieba

# High bit of a stored token: the token starts a word. Vocabularies stay below 32,768.
WORD_START = np.uint16(0x8000)
Tokens = NDArray[np.uint16]

_tokenizer: Tokenizer | None = None


def _start(tokenizer_json: str) -> None:
    global _tokenizer
    start_jieba()
    _tokenizer = Tokenizer.from_str(tokenizer_json)


def _pack(documents: list[str]) -> Tokens:
    assert _tokenizer is not None
    out: list[int] = []
    encodings = _tokenizer.encode_batch(documents, add_special_tokens=False)
    for document, encoding in zip(documents, encodings, strict=True):
        starts, position = set(), 0
        for word in cut(document):
            starts.add(position)
            position += len(word)
        for token, (begin, _) in zip(encoding.ids, encoding.offsets, strict=True):
            out.append(token | int(WORD_START) if begin in starts else token)
        out.append(SEP | int(WORD_START))
    return np.array(out, dtype=np.uint16)


def pack(documents: Iterable[str], tokenizer: Tokenizer, workers: int) -> Tokens:
    """Tokens of all documents, one after another, each closed by `[SEP]`; shape `[n]`."""
    words = tokenizer.to_str()
    parts = list(map_batches(_pack, documents, workers, "packing", _start, (words,)))
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.uint16)


def pack_cached(path: Path, documents: Iterable[str], tokenizer: Tokenizer, workers: int) -> Tokens:
    """`pack`, read from `path` when it exists and written there when it does not."""
    if not path.is_file():
        tokens = pack(documents, tokenizer, workers)
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(".tmp.npy")
        np.save(temporary, tokens, allow_pickle=False)
        temporary.replace(path)
    loaded: Tokens = np.load(path, mmap_mode="r", allow_pickle=False)
    return loaded
