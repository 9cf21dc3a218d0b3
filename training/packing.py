"""Turn documents into one long array of tokens with word starts, cached on disk.

Words are cut by jieba once, so that whole words can be masked (Cui et al. 2021, "Pre-Training
With Whole Word Masking for Chinese BERT"). The cache is a `.npz` without pickle.
"""

from __future__ import annotations

import logging
import multiprocessing
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from training.runtime import counted
from training.vocabulary import SEP

# High bit of a stored token: the token starts a word. Vocabularies stay below 32,768.
WORD_START = np.uint16(0x8000)
Tokens = NDArray[np.uint16]

_tokenizer: Tokenizer | None = None


def _start_worker(tokenizer_json: str) -> None:
    import jieba

    global _tokenizer
    jieba.setLogLevel(logging.WARNING)
    jieba.initialize()
    _tokenizer = Tokenizer.from_str(tokenizer_json)


def _pack(documents: list[str]) -> Tokens:
    import jieba

    assert _tokenizer is not None
    out: list[int] = []
    encodings = _tokenizer.encode_batch(documents, add_special_tokens=False)
    for document, encoding in zip(documents, encodings, strict=True):
        starts, position = set(), 0
        for word in jieba.cut(document, HMM=False):
            starts.add(position)
            position += len(word)
        for token, (begin, _) in zip(encoding.ids, encoding.offsets, strict=True):
            out.append(token | int(WORD_START) if begin in starts else token)
        out.append(SEP | int(WORD_START))
    return np.array(out, dtype=np.uint16)


def _batches(documents: Iterable[str], size: int = 2_000) -> Iterator[list[str]]:
    iterator = iter(documents)
    while batch := list(islice(iterator, size)):
        yield batch


def pack(documents: Iterable[str], tokenizer: Tokenizer, workers: int) -> Tokens:
    """Tokens of all documents, one after another, each closed by `[SEP]`; shape `[n]`."""
    if workers == 1:
        _start_worker(tokenizer.to_str())
        parts = [_pack(batch) for batch in _batches(documents)]
        return np.concatenate(parts) if parts else np.zeros(0, dtype=np.uint16)
    context = multiprocessing.get_context("spawn")
    with context.Pool(workers, _start_worker, (tokenizer.to_str(),)) as pool:
        parts = list(
            counted(pool.imap(_pack, _batches(documents)), "packing, 2,000 documents each")
        )
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
