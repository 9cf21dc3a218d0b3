"""A hostile text made fit to be shown: evidence marked in place, personal data masked, and what
cannot be seen made visible. Templates escape the pieces as they do everything."""

from __future__ import annotations

import itertools
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from serving.masking import mask, spans
from triage.types import Evidence

_NAMES: Final = {
    "\u061c": "ALM", "\u200b": "ZWSP", "\u200c": "ZWNJ", "\u200d": "ZWJ", "\u200e": "LRM",
    "\u200f": "RLM", "\u202a": "LRE", "\u202b": "RLE", "\u202c": "PDF", "\u202d": "LRO",
    "\u202e": "RLO", "\u2060": "WJ", "\u2066": "LRI", "\u2067": "RLI", "\u2068": "FSI",
    "\u2069": "PDI", "\ufeff": "BOM", "\u00ad": "SHY", "\u2028": "LS", "\u2029": "PS",
}  # fmt: skip
_MARKS: Final = frozenset({"Mn", "Me"})
_LEFT: Final = frozenset("\n\t")
# More marks than these on one letter climb over the lines above.
_MOST_MARKS: Final = 2
# Empty lines in a row that are shown; hundreds would push all else off the page.
_MOST_LINES: Final = 3


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of text that is shown in one way; `start` is where it begins in the whole text.

    `source`: rule, model, both or empty; `about` what the evidence says. `hidden` names a
    character that cannot be seen, which is shown by that name instead. `masked`: part of a
    personal number.
    """

    text: str
    start: int
    source: str = ""
    about: str = ""
    hidden: str = ""
    masked: bool = False


def hidden_name(character: str) -> str:
    """The name of a character that controls how others are shown; empty for all others."""
    if character in _LEFT:
        return ""
    if character in _NAMES:
        return _NAMES[character]
    if unicodedata.category(character) in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}:
        return f"U+{ord(character):04X}"
    return ""


def plain(text: str | None) -> str:
    """A text in one line, masked, for lists: without what would turn or break the line."""
    shown = (" " if c in "\n\t\r" else c for c in text or "")
    # Before masking: what stands unseen between digits would hide a number from it.
    return "".join(_calm(mask("".join(c for c in shown if not hidden_name(c)))))


def pieces(text: str, evidence: Sequence[Evidence], about: Sequence[str]) -> list[Piece]:
    """The text in pieces, masked. `about` says of each evidence what it speaks for."""
    hidden = spans(text)
    shown = mask(text).replace("\r\n", " \n").replace("\r", "\n")
    cuts = {0, len(shown), *(edge for span in hidden for edge in span)}
    cuts |= {min(edge, len(shown)) for each in evidence for edge in (each.start, each.end)}
    found: list[Piece] = []
    for start, end in itertools.pairwise(sorted(cuts)):
        over = [
            (each.source, told)
            for each, told in zip(evidence, about, strict=True)
            if each.start < end and each.end > start
        ]
        sources = {source for source, _ in over}
        run = Piece(
            shown[start:end],
            start,
            "both" if len(sources) == 2 else next(iter(sources), ""),
            "；".join(dict.fromkeys(told for _, told in over)),
            masked=any(a <= start and end <= b for a, b in hidden),
        )
        found.extend(_visible(run))
    return found


def _visible(run: Piece) -> Iterable[Piece]:
    """The run, with what cannot be seen as pieces of their own."""
    shown: list[str] = []
    start, marks, lines = run.start, 0, 0
    for at, character in enumerate(run.text, run.start):
        if name := hidden_name(character):
            if shown:
                yield replace(run, text="".join(shown), start=start)
            yield replace(run, text="", start=at, hidden=name, masked=False)
            shown, start = [], at + 1
            continue
        marks = marks + 1 if unicodedata.category(character) in _MARKS else 0
        lines = lines + 1 if character == "\n" else 0 if character.strip() else lines
        if marks <= _MOST_MARKS and lines <= _MOST_LINES:
            shown.append(character)
    if shown:
        yield replace(run, text="".join(shown), start=start)


def _calm(text: str) -> Iterable[str]:
    marks = 0
    for character in text:
        marks = marks + 1 if unicodedata.category(character) in _MARKS else 0
        if marks <= _MOST_MARKS:
            yield character
