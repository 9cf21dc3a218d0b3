"""Word boundaries from jieba's dictionary, asked only around a hit that wants a whole word.

jieba is imported and its dictionary read on first need (or in `warm_up`), once in a process.
Its own start-up writes and trusts a cache in the shared temporary directory and prints to
stderr; reading its dictionary here avoids both and is faster. HMM guessing is off: the answer
depends on the dictionary alone.
"""

from __future__ import annotations

import re
import threading
import warnings
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:

    class _Tokenizer(Protocol):
        def cut(self, sentence: str, cut_all: bool, HMM: bool) -> Iterator[str]: ...  # noqa: N803


# Words of jieba's dictionary are rarely longer; more context cannot move a boundary further.
_CONTEXT = 8
# A Han character in UTF-8.
_FIRST_BYTES = 3
_FREQUENCY = re.compile(rb" (\d+)")

_lock = threading.Lock()
_tokenizer: _Tokenizer | None = None


class _Frequencies:
    """jieba's prefix table read from its sorted dictionary lines, without building the table.

    A fragment is in the table if a word begins with it; its frequency is 0 unless it is a word.
    Looking up takes some ten microseconds and is rare; the table would cost half a second at the
    start and, as would a list of the lines, tens of MiB for good.
    """

    def __init__(self, dictionary: Iterable[bytes]) -> None:
        # Lines are `word frequency tag`: a space sorts before any letter, so a word stands
        # before the longer words that begin with it. UTF-8 sorts as its code points do.
        # Sorting by first character keeps a list of all lines, 40 MiB, from ever existing.
        parts: defaultdict[bytes, bytearray] = defaultdict(bytearray)
        for first, lines in groupby(dictionary, itemgetter(slice(_FIRST_BYTES))):
            parts[first] += b"".join(lines)
        table = bytearray()
        self.total = 0
        for _, part in sorted(parts.items()):
            self.total += sum(map(int, _FREQUENCY.findall(part)))
            table += b"\n".join(sorted(part.splitlines())) + b"\n"
        self._lines = bytes(table)
        # Most lookups are of the same few thousand words.
        self._first = lru_cache(maxsize=8192)(self._search)

    def _line(self, at: int) -> bytes:
        """The line that holds byte `at`."""
        start = self._lines.rfind(b"\n", 0, at) + 1
        return self._lines[start : self._lines.find(b"\n", at)]

    def _search(self, fragment: bytes) -> bytes:
        """The first line that does not sort before `fragment`; empty after the last."""
        at = bisect_left(range(len(self._lines)), fragment, key=self._line)
        return self._line(at) if at < len(self._lines) else b""

    def __contains__(self, fragment: str) -> bool:
        word = fragment.encode()
        return b" " not in word and self._first(word).startswith(word)

    def __getitem__(self, fragment: str) -> int:
        wanted = fragment.encode()
        word, _, rest = self._first(wanted).partition(b" ")
        return int(rest.partition(b" ")[0]) if word == wanted else 0

    def get(self, fragment: str) -> int:
        """As a mapping's `get`; a fragment that is unknown has no frequency either."""
        return self[fragment]


def _load() -> _Tokenizer:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # jieba 0.42 meets deprecations that are not ours to mend
        import jieba

    tokenizer = jieba.Tokenizer()
    with tokenizer.get_dict_file() as file:
        tokenizer.FREQ = _Frequencies(file)
    tokenizer.total = tokenizer.FREQ.total
    tokenizer.initialized = True
    loaded: _Tokenizer = tokenizer
    return loaded


def warm_up() -> None:
    """Load jieba's dictionary (about a fifth of a second and 8 MiB); later calls do nothing."""
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
