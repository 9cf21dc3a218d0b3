"""What all figures of a report are built of."""

from __future__ import annotations

from math import isnan
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict


def _defined(value: object) -> object:
    return None if isinstance(value, float) and isnan(value) else value


Figure = Annotated[float | None, BeforeValidator(_defined)]
"""A figure that is None where it is undefined: a share of nothing is no share."""


class Value(BaseModel):
    """A frozen value that refuses unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class IntervalFigures(Value):
    """A value and the bounds of its 95 % bootstrap interval."""

    value: Figure
    low: Figure
    high: Figure
