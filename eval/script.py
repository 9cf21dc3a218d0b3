"""Which script a message is written in, and the same message in traditional characters."""

from __future__ import annotations

from functools import cache
from typing import Final

import opencc

from eval.data import Labelled

TRADITIONAL: Final = "traditional"
SIMPLIFIED: Final = "simplified"
NEITHER: Final = "no difference"

_HAN: Final = range(0x3400, 0xA000)
# Simplified texts hold a few such characters too (乾 in names, 著); traditional ones a third.
_CLEAR_SHARE: Final = 0.1


@cache
def _converter(name: str) -> opencc.OpenCC:
    return opencc.OpenCC(name)


def _convert(text: str, name: str) -> str:
    converted: str = _converter(name).convert(text)
    return converted


def _changed(text: str, conversion: str) -> int:
    """How many characters of `text` a conversion changes."""
    converted = list(_convert(text, conversion))
    if len(converted) != len(text):
        converted = [_convert(char, conversion) for char in text]
    return sum(old != new for old, new in zip(text, converted, strict=True))


def script(text: str) -> str:
    """`traditional`, `simplified` or `no difference`, by what OpenCC would change.

    Traditional: the conversion of the normaliser (`t2s`) changes at least a tenth of the Han
    characters, and more of them than the opposite one (`s2t`) does. Otherwise simplified where
    `s2t` changes anything; where it does not, the text looks alike in both scripts.
    """
    han = sum(ord(char) in _HAN for char in text)
    to_simplified, to_traditional = _changed(text, "t2s"), _changed(text, "s2t")
    if to_simplified >= max(1, _CLEAR_SHARE * han) and to_simplified > to_traditional:
        return TRADITIONAL
    return SIMPLIFIED if to_traditional else NEITHER


def in_traditional(record: Labelled) -> Labelled:
    """The same message in traditional characters (OpenCC `s2t`)."""
    title = _convert(record.title, "s2t") if record.title else record.title
    return record.model_copy(update={"title": title, "text": _convert(record.text, "s2t")})
