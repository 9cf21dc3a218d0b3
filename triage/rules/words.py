"""Word boundaries from jieba's dictionary, asked only around a hit that wants a whole word.

jieba is imported and its dictionary read on first need (or in `warm_up`), once in a process.
Its own start-up writes and trusts a cache in the shared temporary directory and prints to
stderr; building the table here avoids both and is faster. HMM guessing is off: the answer
depends on the dictionary alone.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:

    class _Tokenizer(Protocol):
        def cut(self, sentence: str, cut_all: bool, HMM: bool) -> Iterator[str]: ...  # noqa: N803


# Words of jieba's dictionary are rarely longer; more context cannot move a boundary further.
_CONTEXT = 8

_lock = threading.Lock()
_tokenizer: _Tokenizer | None = None


def _frequencies(dictionary: str) -> tuple[dict[str, int], int]:
    """jieba's prefix table: every word with its frequency, every proper prefix with 0.

    `dictionary` has three fields a line: word, frequency, part of speech.
    """
    fields = dictionary.split()
    words, counts = fields[0::3], list(map(int, fields[1::3]))
    table = dict(zip(words, counts, strict=True))
    for word in words:
        prefix = word[:-1]
        # A prefix that is there has its own prefixes there, or will have in its turn as a word.
        while prefix and prefix not in table:
            table[prefix] = 0
            prefix = prefix[:-1]
    return table, sum(counts)


def _load() -> _Tokenizer:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # jieba 0.42 meets deprecations that are not ours to mend
        import jieba

    tokenizer = jieba.Tokenizer()
    with tokenizer.get_dict_file() as file:
        tokenizer.FREQ, tokenizer.total = _frequencies(file.read().decode("utf-8"))
    tokenizer.initialized = True
    loaded: _Tokenizer = tokenizer
    return loaded


def warm_up() -> None:
    """Load jieba's dictionary (about half a second and 60 MiB); later calls do nothing."""
    global _tokenizer
    with _lock:
        if _tokenizer is None:
            _tokenizer = _load()


def is_whole_word(text: str, start: int, end: int) -> bool:
    """Whether `text[start:end]` is made of whole words: 法院 in 不合法院落 is not."""
    if _tokenizer is None:
        warm_up()
    assert _tokenizer is not None
    low, high = max(0, start - _CONTEXT), min(len(text), end + _CONTEXT)
    boundaries = {low}
    at = low
    for word in _tokenizer.cut(text[low:high], cut_all=False, HMM=False):
        at += len(word)
        boundaries.add(at)
        if at >= end:
            break
    return start in boundaries and end in boundaries
