"""Find every phrase of the rulebook in one pass, and its few regular expressions in linear time.

Phrases go through one Aho–Corasick automaton (`ahocorasick_rs`), overlapping matches included;
patterns through `google-re2`, which has no backtracking.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

import ahocorasick_rs
import re2

from triage.normalise import normalise

Span = tuple[int, int]

_HAN_RUN = re.compile(r"[\u3400-\u9fff]+|[\uff01-\uff5e]+")
_JOIN = "\u3002"  # survives normalisation and joins no words


class Match(Protocol):
    """Where a pattern matched."""

    def span(self) -> Span:
        """Half-open code point offsets of the match."""


class Pattern(Protocol):
    """The part of a compiled RE2 expression that is used here."""

    def finditer(self, text: str) -> Iterator[Match]:
        """The matches in `text` from left to right; they do not overlap."""


def normalise_phrases(phrases: Sequence[str]) -> list[str]:
    """Phrases as they occur in normalised text; empty where nothing visible is left.

    One call of the normaliser for all is ten times faster than one each.
    """
    stripped = [phrase.strip() for phrase in phrases]
    joined = normalise(_JOIN + _JOIN.join(stripped) + _JOIN).text
    parts = joined.strip(_JOIN).split(_JOIN)
    if len(parts) == len(phrases):
        return [part.strip() for part in parts]
    return [normalise(phrase).text for phrase in stripped]


def unusual_characters(pattern: str) -> str | None:
    """The first run in `pattern` that normalised text cannot contain, with what it becomes."""
    runs = _HAN_RUN.findall(pattern)
    for run, folded in zip(runs, normalise_phrases(runs), strict=True):
        if folded != run:
            return f"“{run}”应写作“{folded}”"
    return None


def compile_pattern(pattern: str) -> Pattern:
    """Compile with RE2.

    Raises:
        ValueError: in words for a rule owner, when it does not compile or matches empty text.
    """
    options = re2.Options()
    options.log_errors = False
    try:
        compiled: Pattern = re2.compile(pattern, options=options)
    except re2.error:
        raise ValueError(
            "正则表达式有误（不支持回溯引用和环视）。请检查括号是否成对，或改用短语"
        ) from None
    # \b matches beside a letter only.
    spans = [match.span() for text in ("", "a") for match in compiled.finditer(text)]
    if any(start == end for start, end in spans):
        raise ValueError("正则表达式能匹配空文字，会处处命中。请写得更具体")
    return compiled


class PhraseMatcher:
    """All distinct phrases, numbered in the order given."""

    def __init__(self, phrases: Iterable[str]) -> None:
        self.numbers = {phrase: number for number, phrase in enumerate(dict.fromkeys(phrases))}
        # The contiguous automaton is as fast here as the full one and built in a third of the time.
        self._automaton = ahocorasick_rs.AhoCorasick(
            self.numbers,
            implementation=ahocorasick_rs.Implementation.ContiguousNFA,
            store_patterns=False,
        )

    def find(self, text: str) -> dict[int, list[Span]]:
        """Spans of every phrase that occurs in `text`, by phrase number, in order."""
        found: dict[int, list[Span]] = {}
        for number, start, end in self._automaton.find_matches_as_indexes(text, overlapping=True):
            found.setdefault(number, []).append((start, end))
        return found
