"""Where a page ended, as a client hands it back: opaque to it, checked here."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from datetime import date, datetime
from typing import Final

from serving.store.errors import StoreError

_LONGEST: Final = 200


class CursorError(StoreError):
    """It is none that was given out for this list."""

    code = "invalid_cursor"

    def __init__(self) -> None:
        super().__init__("the cursor is none of this list; start again without it")


def encode(kind: str, key: Sequence[date | datetime | int]) -> str:
    """The end of a page: `key` is what its last row is ordered by."""
    told = [kind, *(part if isinstance(part, int) else part.isoformat() for part in key)]
    return base64.urlsafe_b64encode(json.dumps(told).encode()).decode().rstrip("=")


def decode(kind: str, types: Sequence[type], cursor: str) -> tuple[date | datetime | int, ...]:
    """The key again; `types` are those of its parts: date, datetime or int.

    Raises:
        CursorError: it is something else.
    """
    try:
        if len(cursor) > _LONGEST:
            raise CursorError
        told = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if not isinstance(told, list) or told[0] != kind or len(told) != len(types) + 1:
            raise CursorError
        return tuple(_part(wanted, part) for wanted, part in zip(types, told[1:], strict=True))
    except (ValueError, binascii.Error, RecursionError, IndexError):
        raise CursorError from None


def _part(wanted: type, part: object) -> date | datetime | int:
    if wanted is int and type(part) is int and abs(part) < 2**63:
        return part
    if wanted is datetime and isinstance(part, str):
        moment = datetime.fromisoformat(part)
        if moment.tzinfo is not None:
            return moment
    if wanted is date and isinstance(part, str):
        return date.fromisoformat(part)
    raise CursorError
