"""Say what the rules made of one message: which hit, which nearly hit, and why not.

`explain(engine, title, text)` returns plain data for `triage rules explain`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from triage.labels import DEPARTMENT_NAMES, NONE, REASON_NAMES
from triage.normalise import Normalised, normalise
from triage.rules.compiled import CompiledRule
from triage.rules.engine import RuleEngine, RuleOutcome
from triage.rules.verdict import FieldMatches, Rejected, occurrences, rejection
from triage.types import FieldName

LABEL_NAMES: Final[dict[str, str]] = {
    **{department.value: name for department, name in DEPARTMENT_NAMES.items()},
    **{reason.value: name for reason, name in REASON_NAMES.items()},
    NONE: "无可办理事项",
}

REJECTION_NAMES: Final[dict[Rejected, str]] = {
    Rejected.PART_OF_WORD: "只是别的词的一部分",
    Rejected.MISSING_COMPANION: "with 要求的短语没有同时出现",
    Rejected.EXCLUDED: "出现了 without 里的短语",
    Rejected.NEGATION: "处在否定语境",
    Rejected.HYPOTHESIS: "处在假设语境",
    Rejected.QUOTATION: "是转述或书名",
}


@dataclass(frozen=True, slots=True)
class Explained:
    """One rule at one place. `rejected` is None where it counted.

    `start` and `end` are offsets in the field as received, `text` what stands there.
    """

    rule: str
    label: str
    weight: float
    note: str
    author: str
    field: FieldName
    start: int
    end: int
    text: str
    rejected: Rejected | None


@dataclass(frozen=True, slots=True)
class Explanation:
    """`hits` counted; `near_misses` are rules whose phrase occurs but which did not hit."""

    version: str
    outcome: RuleOutcome
    hits: tuple[Explained, ...]
    near_misses: tuple[Explained, ...]


def _at(
    compiled: CompiledRule,
    field: FieldName,
    source: Normalised,
    span: tuple[int, int],
    rejected: Rejected | None,
) -> Explained:
    rule = compiled.rule
    start, end = span
    return Explained(
        rule=rule.id,
        label=rule.label.value,
        weight=rule.weight,
        note=rule.note,
        author=rule.author or "",
        field=field,
        start=start,
        end=end,
        text=source.original[start:end],
        rejected=rejected,
    )


def _near_miss(
    rule: CompiledRule, fields: Sequence[FieldMatches], sources: dict[FieldName, Normalised]
) -> Explained | None:
    for field in fields:
        first = next(iter(occurrences(rule, field)), None)
        if first is not None:
            source = sources[field.name]
            cause = rejection(rule, fields, field, first)
            return _at(rule, field.name, source, source.span(*first), cause)
    return None


def explain(engine: RuleEngine, title: str | None, text: str) -> Explanation:
    """Explain the rules' outcome for a message as received."""
    sources: dict[FieldName, Normalised] = {"text": normalise(text)}
    if title is not None:
        sources["title"] = normalise(title)
    outcome = engine.apply(sources.get("title"), sources["text"])
    rules = {compiled.rule.id: compiled for compiled in engine.rules}
    hits = tuple(
        _at(rules[hit.rule], hit.field, sources[hit.field], (hit.start, hit.end), None)
        for hit in outcome.hits
    )
    counted = {hit.rule for hit in outcome.hits}
    fields = engine.matches(sources.get("title"), sources["text"])
    misses = (
        _near_miss(rule, fields, sources)
        for rule in engine.candidates(fields)
        if rule.rule.id not in counted
    )
    near = tuple(miss for miss in misses if miss is not None)
    return Explanation(engine.version, outcome, hits, near)
