"""Word boundaries from jieba's dictionary, asked only around a hit that wants a whole word.

jieba is imported and its dictionary read on first need (or in `warm_up`), once in a process.
Its own start-up writes and trusts a cache in the shared temporary directory and prints to
stderr; reading its dictionary here avoids both and is faster. HMM guessing is off: the answer
depends on the dictionary alone.
"""

from __future__ import annotations

import threading
import warnings
from bisect import bisect_left
from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:

    class _Tokenizer(Protocol):
        def cut(self, sentence: str, cut_all: bool, HMM: bool) -> Iterator[str]: ...  # noqa: N803


# Words of jieba's dictionary are rarely longer; more context cannot move a boundary further.
_CONTEXT = 8

_lock = threading.Lock()
_tokenizer: _Tokenizer | None = None


class _Frequencies:
    """jieba's prefix table read from its sorted dictionary lines, without building the table.

    A fragment is in the table if a word begins with it; its frequency is 0 unless it is a word.
    Looking up costs microseconds and is rare; building the table would cost half a second.
    """

    def __init__(self, dictionary: str) -> None:
        # Lines are `word frequency tag`: a space sorts before any letter, so a word stands
        # before the longer words that begin with it.
        self._lines = sorted(dictionary.splitlines())
        self.total = sum(map(int, dictionary.split()[1::3]))

    def _first(self, fragment: str) -> str:
        at = bisect_left(self._lines, fragment)
        return self._lines[at] if at < len(self._lines) else ""

    def __contains__(self, fragment: str) -> bool:
        return " " not in fragment and self._first(fragment).startswith(fragment)

    def __getitem__(self, fragment: str) -> int:
        word, _, rest = self._first(fragment).partition(" ")
        return int(rest.partition(" ")[0]) if word == fragment else 0

    def get(self, fragment: str) -> int:
        """As a mapping's `get`; a fragment that is unknown has no frequency either."""
        return self[fragment]


def _load() -> _Tokenizer:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # jieba 0.42 meets deprecations that are not ours to mend
        import jieba

    tokenizer = jieba.Tokenizer()
    with tokenizer.get_dict_file() as file:
        tokenizer.FREQ = _Frequencies(file.read().decode("utf-8"))
    tokenizer.total = tokenizer.FREQ.total
    tokenizer.initialized = True
    loaded: _Tokenizer = tokenizer
    return loaded


def warm_up() -> None:
    """Load jieba's dictionary (about a quarter of a second and 40 MiB); later calls do nothing."""
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
