"""Why: rule hits and the clauses that the models leaned on, as spans of the received text."""

from __future__ import annotations

import re
from typing import Final

from triage.bundle import Bundle
from triage.fusion import log_softmax
from triage.labels import CLASSES
from triage.models import LinearModel, ModelOutput, Span, join_fields
from triage.normalise import Normalised
from triage.rules import RuleHit
from triage.types import Department, Evidence, FieldName, Message

# Decisions are compared and replayed as text; more digits than these carry no information.
DIGITS: Final = 4
_CLAUSE: Final = re.compile(r"[^,.!?;:。、\s]+")
_MOST_CLAUSES: Final = 2
_MOST_OCCLUDED: Final = 3
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
    offsets = {"title": 0, "text": len(joined) - len(body.text)}
    found: list[tuple[float, Span]] = []
    for clause in _clauses(title, body):
        offset = offsets[clause.field]
        share = float(shares[offset + clause.start : offset + clause.end].sum()) / total
        if share >= _LEAST_SHARE:
            found.append((share, clause))
    return _strongest(message, title, body, department, found, _MOST_CLAUSES)


def encoder_evidence(message: Message, title: Normalised | None, body: Normalised, bundle: Bundle,
                     output: ModelOutput, department: Department) -> list[Evidence]:  # fmt: skip
    """The clauses without which the encoder would believe less in `department`.

    `output` is what it said of the whole message. `weight` is the fall of its calibrated log
    probability when the clause is left out. Only falls, the greatest first, at most three. The
    clauses of a long text are merged to at most 24 (see `Model.occlude`). Urgency is not explained
    this way: the encoder has so small a part in it that the clauses found mislead.
    """

    def belief(said: ModelOutput) -> float:
        calibrated = log_softmax(said.classes / bundle.manifest.temperature)
        return float(calibrated[CLASSES.index(department.value)])

    found = []
    for occlusion in bundle.model.occlude(title, body, _clauses(title, body)):
        fall = round(belief(output) - belief(occlusion.output), DIGITS)
        if fall > 0:
            found.append((fall, occlusion.span))
    return _strongest(message, title, body, department, found, _MOST_OCCLUDED)


def _clauses(title: Normalised | None, body: Normalised) -> list[Span]:
    parts: tuple[tuple[FieldName, Normalised | None], ...] = (("title", title), ("text", body))
    return [
        Span(field, *clause.span())
        for field, source in parts
        if source is not None
        for clause in _CLAUSE.finditer(source.text)
    ]


def _strongest(message: Message, title: Normalised | None, body: Normalised, department: Department,
               found: list[tuple[float, Span]], most: int) -> list[Evidence]:  # fmt: skip
    """The heaviest spans as evidence of the received text; ties in the order of the message."""
    placed = [
        (weight, span.field, (body if span.field == "text" else title or body).span(*span[1:]))
        for weight, span in found
    ]
    placed.sort(key=lambda item: (-item[0], item[1] != "title", item[2]))
    return [
        _evidence(message, "model", department.value, field, span, weight, None)
        for weight, field, span in placed[:most]
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
