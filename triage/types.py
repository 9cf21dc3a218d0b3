"""The values that travel between the layers: a `Message` in, a `Decision` out.

Offsets are Unicode code points of the text as received, half-open `[start, end)`.
"""

from __future__ import annotations

import re
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
)
from pydantic_core import PydanticCustomError

MAX_TEXT_CHARS = 20_000
MAX_TITLE_CHARS = 1_000

FieldName = Literal["title", "text"]


class Department(StrEnum):
    """Who handles the message (guideline, section "Department")."""

    CIVIL = "civil"
    ADMINISTRATIVE = "administrative"
    PUBLIC_INTEREST = "public_interest"
    COMPLAINTS = "complaints"


class Reason(StrEnum):
    """Why a message cannot wait (guideline, section "Urgent")."""

    LIFE_SAFETY = "life_safety"
    MINOR_HARM = "minor_harm"
    MASS_INCIDENT = "mass_incident"
    DEADLINE = "deadline"
    LIVELIHOOD = "livelihood"
    ONGOING_HARM = "ongoing_harm"
    EVIDENCE_LOSS = "evidence_loss"


class ReviewReason(StrEnum):
    """Why a person should look before the message is routed."""

    LOW_CONFIDENCE = "low_confidence"
    RULES_DISAGREE = "rules_disagree"
    DAMAGED_TEXT = "damaged_text"
    NOTHING_TO_HANDLE = "nothing_to_handle"


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


_RFC_3339: Final = re.compile(
    r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)", re.ASCII
)


def _rfc_3339(value: object) -> object:
    """Refuse what Pydantic would guess at: numbers, numbers in a string, dates alone."""
    if isinstance(value, datetime) or (isinstance(value, str) and _RFC_3339.fullmatch(value)):
        return value
    raise PydanticCustomError("datetime_format", "must be a date and time as in RFC 3339")


def _in_use(value: datetime) -> datetime:
    """Refuse what stands for "never": nothing could be due after it, or have come before it."""
    if not 1900 < value.year < 2200:
        raise PydanticCustomError("datetime_years", "must be in the years 1901 to 2199")
    return value


Timestamp = Annotated[AwareDatetime, BeforeValidator(_rfc_3339), AfterValidator(_in_use)]


def _number(value: object) -> object:
    """Refuse what Pydantic would take for a number: strings and Booleans."""
    if isinstance(value, str | bool):
        raise PydanticCustomError("int_type", "must be a number")
    return value


Number = BeforeValidator(_number)


class Attachment(_Value):
    """A reference to a picture or file. It is kept with the message and never fetched."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=255)]
    url: Annotated[str, StringConstraints(max_length=2_048)] | None = None


class Message(_Value):
    """A citizen's message as an intake system received it."""

    id: Annotated[str, StringConstraints(min_length=1, max_length=128)] | None = None
    title: Annotated[str, StringConstraints(max_length=MAX_TITLE_CHARS)] | None = None
    text: Annotated[str, StringConstraints(min_length=1, max_length=MAX_TEXT_CHARS)]
    channel: Annotated[str, StringConstraints(max_length=64)] | None = None
    received_at: Timestamp | None = None
    attachments: Annotated[tuple[Attachment, ...], Field(max_length=50)] = ()


class Evidence(_Value):
    """A span that spoke for a label: a rule's hit, or a clause that a model leaned on.

    `weight` of a rule is the rule's own; of a clause its share of the linear voice's support, or,
    where an explanation was asked for, how much the encoder's log probability of the label falls
    without it.
    """

    source: Literal["rule", "model"]
    label: str
    rule: str | None = None
    field: FieldName = "text"
    start: int
    end: int
    text: str
    weight: float


class Urgency(_Value):
    """`score` is the calibrated probability that the message is urgent, 0 to 1."""

    score: float
    reasons: tuple[Reason, ...] = ()


class Versions(_Value):
    """What produced a decision; with the same versions it can be replayed."""

    model: str
    rulebook: str
    normaliser: str


class Decision(_Value):
    """The answer for one message. `probabilities` are calibrated and sum to one.

    `department_set`: the departments that cannot be ruled out, likeliest first; over messages like
    those it was calibrated on, it holds the right one 95 % of the time. None where the bundle is
    not calibrated for it.
    """

    id: str | None
    department: Department
    second: Department | None
    probabilities: dict[Department, float]
    department_set: tuple[Department, ...] | None = None
    urgent: bool
    urgency: Urgency
    needs_review: bool
    review_reasons: tuple[ReviewReason, ...]
    evidence: tuple[Evidence, ...]
    truncated: bool
    versions: Versions
