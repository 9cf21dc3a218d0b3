"""Cut many documents into words by jieba, on several processes."""

from __future__ import annotations

import logging
import multiprocessing
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import TypeVar

from training.runtime import counted

T = TypeVar("T")
_BATCH = 2_000


def cut(document: str) -> list[str]:
    """Words of a document; without the hidden Markov model, which costs three times the time."""
    import jieba

    words: list[str] = jieba.lcut(document, HMM=False)
    return words


def start_jieba() -> None:
    """Load jieba's dictionary, without its advice on the terminal."""
    import jieba

    jieba.setLogLevel(logging.WARNING)
    jieba.initialize()


def batches(documents: Iterable[str], size: int = _BATCH) -> Iterator[list[str]]:
    """Lists of at most `size` documents."""
    iterator = iter(documents)
    while batch := list(islice(iterator, size)):
        yield batch


def map_batches(
    work: Callable[[list[str]], T],
    documents: Iterable[str],
    workers: int,
    what: str,
    start: Callable[..., None],
    arguments: tuple[str, ...] = (),
) -> Iterator[T]:
    """`work` of every batch, in order, on `workers` processes that called `start` first."""
    if workers == 1:
        start(*arguments)
        yield from map(work, batches(documents))
        return
    context = multiprocessing.get_context("spawn")
    with context.Pool(workers, start, arguments) as pool:
        done = pool.imap(work, batches(documents))
        yield from counted(done, f"{what}, {_BATCH:,} documents each")
