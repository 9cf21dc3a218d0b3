"""Personal data in a text: identity numbers, telephones and bank cards, masked in place.

A masked text is as long as the text, so that offsets of evidence hold in both.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

DOT: Final = "•"
_HEAD: Final = 3
_LEAST: Final = 7
"""No kind of number below has fewer digits."""
_DIGIT: Final = re.compile(r"\d")

# People write digits in groups, and whoever wants past a filter puts anything between them.
_GAP: Final = "[ .\\-·_]{0,2}"
_DASHES: Final = frozenset("‐‑‒–—―−－ー")
_DOTS: Final = frozenset("．。・‧∙")
_NOT_MONEY: Final = r"(?! ?(?:元(?![旦月宵])|万元|亿元|块钱))"


def _many(least: int, most: int | None = None) -> str:
    return rf"(?:{_GAP}\d){{{least},{most or least}}}"


_MONTH: Final = f"(?:0{_GAP}[1-9]|1{_GAP}[0-2])"
_DAY: Final = f"(?:0{_GAP}[1-9]|[12]{_GAP}\\d|3{_GAP}[01])"
_CARD: Final = rf"(?:[3-9]{_GAP}\d|2{_GAP}[2-7])"


@dataclass(frozen=True, slots=True)
class _Kind:
    """What a number looks like, and how many of its last digits stay; None: it is left alone."""

    pattern: re.Pattern[str]
    tail: int | None


def _kind(pattern: str, tail: int | None, after: str = "") -> _Kind:
    return _Kind(re.compile(rf"(?<!\d){pattern}(?!\d){after}"), tail)


# Sooner is surer: what one kind has claimed is not looked at again.
_KINDS: Final = (
    _kind(
        rf"[1-9]{_many(5)}{_GAP}(?:1{_GAP}[89]|2{_GAP}0){_many(2)}{_GAP}{_MONTH}{_GAP}{_DAY}"
        rf"{_many(3)}{_GAP}[\dXx]",
        4,
    ),
    # Solid; an identity number with a slip in it is as personal.
    _kind(r"[1-9]\d{14,17}[\dXx]", 4, _NOT_MONEY),
    _kind(r"(?:[3-9]\d|2[2-7])\d\d(?:[ .\-]\d{4}){3}(?:[ .\-]?\d{1,3})?", 4, _NOT_MONEY),
    _kind(rf"(?:(?:\+|00)?86{_GAP}|0)?1{_GAP}[3-9]{_many(9)}", 4, _NOT_MONEY),
    _kind(r"(?:19|20)\d\d([-./ ])\d{1,2}\1\d{1,2}", None),
    _kind(r"(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])", None),
    _kind(rf"[1-9]{_many(7)}{_GAP}{_MONTH}{_GAP}{_DAY}{_many(3)}", 4, _NOT_MONEY),
    _kind(rf"{_CARD}{_many(14, 17)}", 4, _NOT_MONEY),
    _kind(
        rf"0(?!\.){_GAP}(?:1{_GAP}0|2{_GAP}\d|[3-9]{_many(2)})\)?{_GAP}[2-8]{_many(6, 7)}",
        2,
        _NOT_MONEY,
    ),
    _Kind(
        re.compile(
            r"(?:电话|座机|联系方式|致电|拨打|[Tt][Ee][Ll])\D{0,4}([2-8]" + _many(6, 7) + r")(?!\d)"
        ),
        2,
    ),
)


@lru_cache(maxsize=8192)
def _plain(character: str) -> str:
    """The ASCII digit, dot, dash or space that a character stands for, else itself."""
    if character.isascii():
        return " " if character == "\t" else character
    if (digit := unicodedata.decimal(character, None)) is not None:
        return str(digit)
    if character in _DASHES:
        return "-"
    if character in _DOTS:
        return "."
    if character in "（）＋Ｘｘ":
        return "()+XX"["（）＋Ｘｘ".index(character)]
    return " " if unicodedata.category(character) in {"Zs", "Cf"} else character


_IN_NAMES: Final = (_KINDS[0], _KINDS[3])


def _found(text: str, kinds: Sequence[_Kind] = _KINDS) -> list[tuple[int, int, int]]:
    if len(_DIGIT.findall(text)) < _LEAST:  # most texts; an export masks a hundred thousand
        return []
    plain = "".join(map(_plain, text))
    claimed: list[tuple[int, int, int | None]] = []
    for kind in kinds:
        for match in kind.pattern.finditer(plain):
            start, end = match.span(1) if kind is _KINDS[-1] else match.span()
            if all(end <= other[0] or start >= other[1] for other in claimed):
                claimed.append((start, end, kind.tail))
    return sorted((start, end, tail) for start, end, tail in claimed if tail is not None)


def spans(text: str) -> list[tuple[int, int]]:
    """Where personal numbers stand: half-open offsets in code points, in order, apart."""
    return [(start, end) for start, end, _ in _found(text)]


def mask(text: str) -> str:
    """The text, as long as before, with the inner digits of personal numbers as dots."""
    return _dotted(text, _found(text))


def mask_name(name: str) -> str:
    """What an intake system calls a message, masked where it is made of a person's number.

    Identity numbers with a date of birth and mobile telephones; other long numbers count up.
    """
    return _dotted(name, _found(name, _IN_NAMES))


def _dotted(text: str, found: Sequence[tuple[int, int, int]]) -> str:
    characters = list(text)
    for start, end, tail in found:
        digits = [i for i in range(start, end) if _plain(text[i]) in "0123456789Xx"]
        for i in digits[_HEAD : len(digits) - tail]:
            characters[i] = DOT
    return "".join(characters)
