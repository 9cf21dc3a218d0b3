"""Decide whether one occurrence of a rule's phrase counts, and if not, why not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from triage.rules import scope, words
from triage.rules.compiled import CompiledGroup, CompiledRule
from triage.rules.matcher import Span
from triage.types import FieldName


@dataclass(frozen=True, slots=True)
class FieldMatches:
    """One field of a message: its normalised text and the spans found in it."""

    name: FieldName
    text: str
    found: Mapping[int, Sequence[Span]]


class Rejected(StrEnum):
    """Why an occurrence did not count; `explain` shows it to rule owners."""

    PART_OF_WORD = "part_of_word"
    MISSING_COMPANION = "missing_companion"
    EXCLUDED = "excluded"
    NEGATION = "negation"
    HYPOTHESIS = "hypothesis"
    QUOTATION = "quotation"


def _is_near(text: str, hit: Span, other: Span, within: int | str) -> bool:
    left, right = (hit, other) if hit[0] <= other[0] else (other, hit)
    if isinstance(within, int):
        return right[0] - left[1] <= within
    if within == "clause":
        return scope.same_clause(text, left[1], right[0])
    return scope.same_sentence(text, left[1], right[0])


def _occurs(
    group: CompiledGroup, fields: Sequence[FieldMatches], own: FieldMatches, hit: Span
) -> bool:
    if group.within == "message":
        return any(not group.phrases.isdisjoint(field.found) for field in fields)
    return any(
        _is_near(own.text, hit, other, group.within)
        for number in group.phrases
        if number in own.found
        for other in own.found[number]
    )


def rejection(
    rule: CompiledRule, fields: Sequence[FieldMatches], own: FieldMatches, hit: Span
) -> Rejected | None:
    """Why the occurrence `hit` of `rule` in the field `own` does not count; None if it does."""
    if any(not _occurs(group, fields, own, hit) for group in rule.required):
        return Rejected.MISSING_COMPANION
    if any(_occurs(group, fields, own, hit) for group in rule.excluded):
        return Rejected.EXCLUDED
    if rule.scopes:
        cancelled = scope.cancelled_by(own.text, hit[0], hit[1], rule.scopes)
        if cancelled is not None:
            return Rejected(cancelled.value)
    if rule.rule.whole_word and not words.is_whole_word(own.text, hit[0], hit[1]):
        return Rejected.PART_OF_WORD
    return None


def may_hit(rule: CompiledRule, fields: Sequence[FieldMatches]) -> bool:
    """Whether every required group occurs anywhere: a cheap check before the exact one."""
    return all(
        any(not group.phrases.isdisjoint(field.found) for field in fields)
        for group in rule.required
    )


def occurrences(rule: CompiledRule, field: FieldMatches) -> list[Span]:
    """Where the rule's phrases and pattern occur in `field`: earliest first, longest first."""
    if rule.rule.field not in ("any", field.name):
        return []
    found = field.found
    spans = [span for number in rule.phrases if number in found for span in found[number]]
    if rule.pattern is not None:
        match = rule.pattern.search(field.text)
        if match is not None:
            spans.append(match.span())
    if len(spans) > 1:
        spans.sort(key=lambda span: (span[0], -span[1]))
    return spans
