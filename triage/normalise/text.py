"""Fold the many ways to write the same words into one, with exact offsets back to the original.

Steps, in order: Unicode NFKC with lower case, removal of zero-width and control characters,
traditional to simplified characters (OpenCC `t2s`), removal of separators put between Han
characters (拆.迁, 拆 迁), and runs of one punctuation mark reduced to one. Nothing is repaired:
damaged text is detected by `triage.normalise.damage` and left as it is.
"""

from __future__ import annotations

import unicodedata
from array import array
from dataclasses import dataclass
from functools import lru_cache

import opencc

# Any change of the output for any text must change this: decisions are replayed by version.
NORMALISER_VERSION = "1"

_OBSTACLES = frozenset(" .·•・*-_~|\\^+#=`'")
# As in the stream-safe text format (UAX #15): no script needs more, attackers send thousands.
_MOST_MARKS = 30
_WHITE = frozenset(" \t\n\r\v\f\x1c\x1d\x1e\x1f\x85\u2028\u2029")


@dataclass(frozen=True, slots=True)
class Normalised:
    """A normalised text; `starts[i]` and `ends[i]` give the origin of `text[i]`, in code points."""

    original: str
    text: str
    starts: array[int]
    ends: array[int]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Map the half-open `[start, end)` of `text` to the half-open span of `original`.

        Raises:
            ValueError: the span is empty or outside the text.
        """
        if not 0 <= start < end <= len(self.text):
            raise ValueError(f"span [{start}, {end}) is outside a text of {len(self.text)}")
        return self.starts[start], self.ends[end - 1]


@lru_cache(maxsize=1)
def _simplifier() -> opencc.OpenCC:
    return opencc.OpenCC("t2s")


def is_han(char: str) -> bool:
    """Whether `char` is a CJK ideograph (the unified block, extension A, 〇 or a later plane)."""
    code = ord(char)
    return (
        0x4E00 <= code <= 0x9FFF
        or 0x3400 <= code <= 0x4DBF
        or code == 0x3007
        or 0x20000 <= code <= 0x323AF
    )


def _visible(char: str) -> str:
    """White space as a plain space; marks, zero-width and control characters as nothing."""
    if char in _WHITE or unicodedata.category(char) in ("Zs", "Zl", "Zp"):
        return " "
    return "" if unicodedata.category(char) in ("Cc", "Cf", "Mn", "Me") else char


def _fold_cluster(cluster: str) -> str:
    return "".join(map(_visible, unicodedata.normalize("NFKC", cluster).lower()))


@lru_cache(maxsize=8192)
def _fold_char(char: str) -> tuple[str, bool]:
    """The folded form of one character, and whether it joins the character before it."""
    joins = bool(unicodedata.combining(char)) or "\u1160" <= char <= "\u11ff"
    return _fold_cluster(char), joins


def _cluster_end(text: str, start: int) -> int:
    """The end of the character at `start` with the marks that join it."""
    end = start + 1
    while end < len(text) and end - start <= _MOST_MARKS and _fold_char(text[end])[1]:
        end += 1
    return end


def _fold(text: str) -> tuple[list[str], array[int], array[int]]:
    single_characters = [_fold_char(char) for char in text]
    if all(len(folded) == 1 and not joins for folded, joins in single_characters):
        # The common case, three times faster: nothing is composed, expanded or dropped.
        size = len(text)
        chars = [folded for folded, _ in single_characters]
        return chars, array("l", range(size)), array("l", range(1, size + 1))
    chars = []
    starts, ends = array("l"), array("l")
    start = 0
    while start < len(text):
        end = _cluster_end(text, start)
        single = end == start + 1
        # NFKC composes a mark with what it stands on: a cluster is folded as a whole.
        folded = _fold_char(text[start])[0] if single else _fold_cluster(text[start:end])
        for part in folded:
            chars.append(part)
            starts.append(start)
            ends.append(end)
        start = end
    return chars, starts, ends


def _simplify(text: str) -> str:
    simple: str = _simplifier().convert(text)
    if len(simple) == len(text):
        return simple
    # A phrase that changes its length would break the offsets: convert character by character.
    converted = (_simplifier().convert(char) for char in text)
    return "".join(new if len(new) == 1 else old for old, new in zip(text, converted, strict=True))


def _collapse_runs(text: str) -> list[int]:
    """Indices of `text` without the repeats of a mark that follows itself."""
    return [
        index
        for index, char in enumerate(text)
        if not index or char != text[index - 1] or char.isalnum()
    ]


def _is_ellipsis(text: str, index: int) -> bool:
    """Whether the dot at `index` begins a run of dots: 拖欠……工资 are two phrases."""
    return text[index] == "." and text[index + 1 : index + 2] == "."


def _is_inserted(text: str, at: list[int], rank: int) -> bool:
    """Whether the separator or space at `text[at[rank]]` was put inside a word."""
    if not 0 < rank < len(at) - 1:
        return False
    if not is_han(text[at[rank - 1]]) or not is_han(text[at[rank + 1]]):
        return False
    if text[at[rank]] != " ":
        return not _is_ellipsis(text, at[rank])
    # A space between phrases is punctuation; between single characters it is an obstacle.
    lone_before = rank < 2 or not is_han(text[at[rank - 2]])
    lone_after = rank + 2 >= len(at) or not is_han(text[at[rank + 2]])
    return lone_before or lone_after


def normalise(text: str) -> Normalised:
    """Normalise `text`, keeping for each remaining character the span it came from.

    Time and memory are linear in the text's length. Any Unicode text is accepted; lone
    surrogates are the caller's to refuse.
    """
    folded, starts, ends = _fold(text)
    simple = _simplify("".join(folded))
    at = _collapse_runs(simple)
    kept = [
        index
        for rank, index in enumerate(at)
        if simple[index] not in _OBSTACLES or not _is_inserted(simple, at, rank)
    ]
    if kept and simple[kept[0]] == " ":
        del kept[0]
    if kept and simple[kept[-1]] == " ":
        del kept[-1]
    return Normalised(
        original=text,
        text="".join([simple[index] for index in kept]),
        starts=array("l", [starts[index] for index in kept]),
        ends=array("l", [ends[index] for index in kept]),
    )
