"""Decide whether one occurrence of a rule's phrase counts, and if not, why not."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from typing import Final

from triage.rules import scope, words
from triage.rules.compiled import CompiledGroup, CompiledRule
from triage.rules.matcher import Span
from triage.types import FieldName

# An expression may read the rest of the text to find one match, so many matches of one take
# quadratic time; no citizen's message comes near this many.
_MOST_MATCHES: Final = 1_000


@dataclass(frozen=True, slots=True)
class FieldMatches:
    """One field of a message: its normalised text, the spans found in it by phrase, in order,
    and where its clauses and sentences end."""

    name: FieldName
    text: str
    found: Mapping[int, Sequence[Span]]
    clause_ends: Sequence[int]
    sentence_ends: Sequence[int]

    @classmethod
    def of(cls, name: FieldName, text: str, found: Mapping[int, Sequence[Span]]) -> FieldMatches:
        """The field with the ends of its clauses and sentences."""
        return cls(name, text, found, scope.clause_ends(text), scope.sentence_ends(text))


class Rejected(StrEnum):
    """Why an occurrence did not count; `explain` shows it to rule owners."""

    PART_OF_WORD = "part_of_word"
    MISSING_COMPANION = "missing_companion"
    EXCLUDED = "excluded"
    NEGATION = "negation"
    HYPOTHESIS = "hypothesis"
    QUOTATION = "quotation"


def _is_near(own: FieldMatches, hit: Span, other: Span, within: int | str) -> bool:
    left, right = (hit, other) if hit[0] <= other[0] else (other, hit)
    if isinstance(within, int):
        return right[0] - left[1] <= within
    marks = own.clause_ends if within == "clause" else own.sentence_ends
    return not scope.are_parted(marks, left[1], right[0])


def _neighbours(spans: Sequence[Span], hit: Span) -> Sequence[Span]:
    """The nearest of one phrase's spans on each side: where they are too far, all are."""
    after = bisect_left(spans, (hit[0], 0))
    return spans[max(0, after - 1) : after + 1]


def _occurs(
    group: CompiledGroup, fields: Sequence[FieldMatches], own: FieldMatches, hit: Span
) -> bool:
    if group.within == "message":
        return any(not group.phrases.isdisjoint(field.found) for field in fields)
    return any(
        _is_near(own, hit, other, group.within)
        for number in group.phrases
        if number in own.found
        for other in _neighbours(own.found[number], hit)
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
        matches = islice(rule.pattern.finditer(field.text), _MOST_MATCHES)
        spans += [span for match in matches if (span := match.span())[0] < span[1]]
    if len(spans) > 1:
        spans.sort(key=lambda span: (span[0], -span[1]))
    return spans
