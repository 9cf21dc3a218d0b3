"""Shapes of answers beside the decision itself."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from serving.problems import KINDS, Problem
from triage.labels import DEPARTMENT_NAMES, REASON_NAMES, REVIEW_REASON_NAMES
from triage.types import Decision, Message


class Batch(BaseModel):
    """Messages to classify together; each is answered for itself, and what is none by a problem."""

    model_config = ConfigDict(extra="forbid")

    messages: list[Message | Any] = Field(min_length=1, max_length=256)


class BatchResults(BaseModel):
    """One result for each message, in the order of the messages."""

    results: list[Decision | Problem]


class Label(BaseModel):
    """An id as programs use it and its Chinese name as people read it."""

    id: str
    name: str


class Labels(BaseModel):
    """Everything a decision may name."""

    departments: list[Label]
    reasons: list[Label]
    review_reasons: list[Label]


class ProblemKind(BaseModel):
    """One stable error code."""

    code: str
    status: int
    title: str
    detail: str


class Status(BaseModel):
    """Answer of the probes."""

    status: str


class Readiness(Status):
    """How many workers can answer, and how many there should be.

    `change_refused` says why the bundle or rulebook that was chosen last does not decide.
    """

    ready: int
    wanted: int
    change_refused: str | None = None


def labels() -> Labels:
    """All ids with their names."""
    return Labels(
        departments=[Label(id=d.value, name=name) for d, name in DEPARTMENT_NAMES.items()],
        reasons=[Label(id=r.value, name=name) for r, name in REASON_NAMES.items()],
        review_reasons=[Label(id=r.value, name=name) for r, name in REVIEW_REASON_NAMES.items()],
    )


def problem_kinds() -> list[ProblemKind]:
    """All error codes."""
    return [
        ProblemKind(code=code, status=kind.status, title=kind.title, detail=kind.detail)
        for code, kind in KINDS.items()
    ]
