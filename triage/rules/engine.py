"""Apply a rulebook to a message: scores per class, urgency reasons, evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from triage.labels import CLASSES, REASONS
from triage.normalise import Normalised
from triage.rules import words
from triage.rules.compiled import CompiledRule, CompiledRulebook, compile_rulebook
from triage.rules.loading import read_rulebook
from triage.rules.matcher import Span
from triage.rules.schema import URGENT_THRESHOLD
from triage.rules.verdict import FieldMatches, may_hit, occurrences, rejection
from triage.types import Department, FieldName, Reason

DEFAULT_RULEBOOK: Final = Path(__file__).parent / "default"

# Sums of decimal weights must reach a threshold they equal on paper.
_DIGITS = 6


@dataclass(frozen=True, slots=True)
class RuleHit:
    """One rule's hit. `start` and `end` are offsets in the field as received."""

    rule: str
    label: str
    field: FieldName
    start: int
    end: int
    weight: float


@dataclass(frozen=True, slots=True)
class RuleOutcome:
    """What the rules say. `scores` has the keys of `labels.CLASSES`, `urgency` all reasons.

    Every score is the sum of the weights of the rules that hit, each rule once; 0 is silence.
    """

    scores: dict[str, float]
    urgency: dict[Reason, float]
    override: Department | None
    hits: tuple[RuleHit, ...]

    @property
    def top(self) -> str | None:
        """The class with the highest score (the earlier of `CLASSES` in a tie), if any spoke."""
        best = max(CLASSES, key=self.scores.__getitem__)
        return best if self.scores[best] > 0 else None

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """The reasons whose score reaches the urgent threshold."""
        return tuple(reason for reason in REASONS if self.urgency[reason] >= URGENT_THRESHOLD)


class RuleEngine:
    """An immutable compiled rulebook; safe to share between threads."""

    def __init__(self, book: CompiledRulebook) -> None:
        self._book = book
        self._overriding = {
            compiled.rule.id: Department(compiled.rule.label.value)
            for compiled in book.rules
            if compiled.rule.override
        }

    @classmethod
    def load(cls, path: Path) -> RuleEngine:
        """Load a rulebook file or directory.

        Raises:
            RulebookError: on any fault; names file, rule and remedy, in Chinese.
        """
        book, origin = read_rulebook(path)
        return cls(compile_rulebook(book, origin))

    @classmethod
    def default(cls) -> RuleEngine:
        """The embedded rulebook, compiled once in a process."""
        return _default()

    @property
    def version(self) -> str:
        """`name@version+hash` of rules and engine: all that can change what they say."""
        return self._book.version

    @property
    def rules(self) -> tuple[CompiledRule, ...]:
        """The rules in rulebook order."""
        return self._book.rules

    def warm_up(self) -> None:
        """Load what is otherwise loaded at first need: jieba, if a rule wants whole words."""
        if any(rule.rule.whole_word for rule in self._book.rules):
            words.warm_up()

    def matches(self, title: Normalised | None, body: Normalised) -> tuple[FieldMatches, ...]:
        """The phrases found in each field, title first."""
        fields: list[tuple[FieldName, Normalised]] = [("text", body)]
        if title is not None:
            fields.insert(0, ("title", title))
        find = self._book.matcher.find
        return tuple(FieldMatches.of(name, text.text, find(text.text)) for name, text in fields)

    def candidates(self, fields: Sequence[FieldMatches]) -> list[CompiledRule]:
        """Rules of which a phrase occurs, or that must be tried by pattern, in rulebook order."""
        by_phrase = self._book.by_phrase
        orders = set(self._book.patterned)
        for field in fields:
            for number in field.found:
                orders.update(by_phrase.get(number, ()))
        return [self._book.rules[order] for order in sorted(orders)]

    def apply(self, title: Normalised | None, body: Normalised) -> RuleOutcome:
        """Score one message. Pure: the same texts always give the same outcome."""
        fields = self.matches(title, body)
        texts = {"title": title, "text": body}
        hits: list[RuleHit] = []
        for compiled in self.candidates(fields):
            if compiled.required and not may_hit(compiled, fields):
                continue
            first = _first_hit(compiled, fields)
            if first is None:
                continue
            field, (start, end) = first
            source = texts[field.name]
            assert source is not None
            start, end = source.span(start, end)
            rule = compiled.rule
            hits.append(RuleHit(rule.id, rule.label.value, field.name, start, end, rule.weight))
        hits.sort(key=lambda hit: (hit.field != "title", hit.start, hit.end, hit.rule))
        overriding = self._overriding
        departments = {overriding[hit.rule] for hit in hits if hit.rule in overriding}
        return _outcome(hits, departments)


def _first_hit(
    rule: CompiledRule, fields: Sequence[FieldMatches]
) -> tuple[FieldMatches, Span] | None:
    for field in fields:
        for span in occurrences(rule, field):
            if rejection(rule, fields, field, span) is None:
                return field, span
    return None


def _outcome(hits: Sequence[RuleHit], overrides: set[Department]) -> RuleOutcome:
    totals: dict[str, float] = {}
    for hit in hits:
        totals[hit.label] = totals.get(hit.label, 0.0) + hit.weight
    rounded = {label: round(total, _DIGITS) for label, total in totals.items()}
    return RuleOutcome(
        scores={name: rounded.get(name, 0.0) for name in CLASSES},
        urgency={reason: rounded.get(reason.value, 0.0) for reason in REASONS},
        # Two overrides that disagree cancel each other: a person has to look.
        override=overrides.pop() if len(overrides) == 1 else None,
        hits=tuple(hits),
    )


@lru_cache(maxsize=1)
def _default() -> RuleEngine:
    return RuleEngine.load(DEFAULT_RULEBOOK)
