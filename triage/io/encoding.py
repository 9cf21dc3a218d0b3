"""Which encoding a CSV file is in: UTF-8, UTF-16 with a mark, or GB 18030 (and so GBK)."""

from __future__ import annotations

import codecs
from pathlib import Path
from typing import Final

_CHUNK: Final = 1 << 20
_ASCII: Final = bytes(range(128))
# A few broken bytes do not make a UTF-8 file GBK; GBK read as UTF-8 breaks nearly everywhere.
_BROKEN_SHARE: Final = 0.05


def _broken_share(path: Path, encoding: str) -> float:
    """Share of the non-ASCII bytes that do not decode; reads the file once, in pieces."""
    decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
    broken = foreign = 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            foreign += len(chunk.translate(None, _ASCII))
            broken += decoder.decode(chunk).count("\ufffd")
    return broken / foreign if foreign else 0.0


def _decodes(path: Path, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def detect_encoding(path: Path) -> str:
    """The name of a codec for `path`.

    Read with `errors="surrogateescape"`, a row with a broken byte becomes a row with an error.
    """
    with path.open("rb") as file:
        head = file.read(4)
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if _decodes(path, "utf-8") or _broken_share(path, "utf-8") < _BROKEN_SHARE:
        return "utf-8-sig"
    return "gb18030"
