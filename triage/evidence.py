"""Why: rule hits and the clauses that the linear voice leaned on, as spans of the received text."""

from __future__ import annotations

import re
from typing import Final

from triage.labels import CLASSES
from triage.models import LinearModel, join_fields
from triage.normalise import Normalised
from triage.rules import RuleHit
from triage.types import Department, Evidence, FieldName, Message

# Decisions are compared and replayed as text; more digits than these carry no information.
DIGITS: Final = 4
_CLAUSE: Final = re.compile(r"[^,.!?;:。、\s]+")
_MOST_CLAUSES: Final = 2
# A clause that gives less than this share of the voice's support explains nothing.
_LEAST_SHARE: Final = 0.15


def rule_evidence(message: Message, hit: RuleHit) -> Evidence:
    """A rule's hit with its words as received."""
    return _evidence(
        message, "rule", hit.label, hit.field, (hit.start, hit.end), hit.weight, hit.rule
    )


def model_evidence(message: Message, title: Normalised | None, body: Normalised,
                   linear: LinearModel, department: Department) -> list[Evidence]:  # fmt: skip
    """The clauses that spoke most for `department` in the linear voice.

    `weight` is a clause's share of all support, 0 to 1. At most two clauses, the strongest first.
    """
    joined = join_fields(title.text if title else None, body.text)
    shares = linear.attribute(joined, CLASSES.index(department.value)).clip(min=0)
    total = float(shares.sum())
    if total <= 0:
        return []
    parts: list[tuple[FieldName, Normalised, int]] = [("text", body, len(joined) - len(body.text))]
    if title is not None:
        parts.insert(0, ("title", title, 0))
    found: list[tuple[float, FieldName, tuple[int, int]]] = []
    for name, source, offset in parts:
        for clause in _CLAUSE.finditer(source.text):
            start, end = clause.span()
            share = float(shares[offset + start : offset + end].sum()) / total
            if share >= _LEAST_SHARE:
                found.append((share, name, source.span(start, end)))
    found.sort(key=lambda item: (-item[0], item[1] != "title", item[2]))
    return [
        _evidence(message, "model", department.value, name, span, share, None)
        for share, name, span in found[:_MOST_CLAUSES]
    ]


def _evidence(message: Message, source: str, label: str, field: FieldName, span: tuple[int, int],
              weight: float, rule: str | None) -> Evidence:  # fmt: skip
    received = message.text if field == "text" else message.title or ""
    return Evidence(
        source="rule" if source == "rule" else "model",
        label=label,
        rule=rule,
        field=field,
        start=span[0],
        end=span[1],
        text=received[slice(*span)],
        weight=round(weight, DIGITS),
    )
