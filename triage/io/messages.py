"""A message from untrusted data; what is wrong with it is said in plain words.

No error carries what was sent: neither a value, nor a key that is not a plain field name.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from triage.errors import InvalidMessageError
from triage.types import Attachment, Message

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,39}")
_SHOWN = 20

_MISSING: Final = "is missing; it is required"
_PLAIN: Final[dict[str, str]] = {
    "missing": _MISSING,
    "string_type": "must be a string",
    "string_too_short": "is empty; it needs at least one character",
    "string_unicode": "is not Unicode text (it holds a lone surrogate); send valid UTF-8",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
    "tuple_type": "must be a list",
    "list_type": "must be a list",
    "invalid_key": "is not a known field; remove it",
}
_DATE: Final = "must be a date and time such as 2024-05-01T08:30:00+08:00 (RFC 3339)"


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one field; `field` is a path such as `attachments[0].name`."""

    field: str
    detail: str


class InvalidRecordError(InvalidMessageError):
    """The record is no message; `faults` has an entry for every field at fault."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__(f"{faults[0].field} {faults[0].detail}.", field=faults[0].field)
        self.faults = tuple(faults)


def faults_of(error: InvalidMessageError) -> tuple[Fault, ...]:
    """The faults behind any refusal of a message, at least one."""
    if isinstance(error, InvalidRecordError):
        return error.faults
    return (Fault(error.field, str(error)),)


def _path(loc: Sequence[str | int]) -> str:
    path = ""
    for part in loc:
        if isinstance(part, int):
            path += f"[{part}]"
        else:
            # A key that is no plain name may be a misplaced piece of the message.
            name = part if _NAME.fullmatch(part) else "(unknown)"
            path += f".{name}" if path else name
    return path or "message"


def _detail(error: ErrorDetails) -> str:
    kind = error["type"]
    if kind in _PLAIN:
        return _PLAIN[kind]
    if kind == "extra_forbidden":
        model = Attachment if "attachments" in error["loc"] else Message
        return f"is not a known field; the known ones are {', '.join(model.model_fields)}"
    if kind == "string_too_long":
        limit = error["ctx"]["max_length"]
        return f"has more than {limit:,} characters; shorten it or split the message"
    if kind == "too_long":
        return f"has more than {error['ctx']['max_length']} entries"
    if kind == "datetime_years":
        return f"{error['msg']}; leave it out where the time is not known"
    if kind.startswith(("datetime_", "date_", "timezone_")):
        return _DATE
    return "has a wrong type or value; see /docs for the format"


def faults_from(error: ValidationError) -> tuple[Fault, ...]:
    """The faults of a Pydantic error, at most twenty, without the input that it carries."""
    details = error.errors(include_url=False, include_input=False)
    return tuple(Fault(_path(item["loc"]), _detail(item)) for item in details[:_SHOWN])


def message_from(record: object) -> Message:
    """Build a message from parsed JSON.

    Raises:
        InvalidRecordError: a field is missing, unknown, too long, of a wrong type or no text.
    """
    try:
        return Message.model_validate(record)
    except ValidationError as error:
        raise InvalidRecordError(faults_from(error)) from None
    except (UnicodeError, OverflowError):
        # Raised below Pydantic's own checks by lone surrogates in keys and by absurd numbers.
        fault = Fault("message", "holds a key or number that cannot be read; remove it")
        raise InvalidRecordError([fault]) from None
