"""Check a rulebook as its owner would: run the examples, find rules that contradict or repeat.

`check(path)` loads the rulebook (a `RulebookError` says what keeps it from loading) and returns
a `CheckReport`. Errors must be mended before the rulebook goes live; warnings are worth a look.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from triage.normalise import normalise
from triage.rules.compiled import CompiledRule, compile_rulebook
from triage.rules.engine import RuleEngine
from triage.rules.loading import read_rulebook
from triage.rules.schema import DEPARTMENT_LABELS, Label


@dataclass(frozen=True, slots=True)
class Finding:
    """`what` is a sentence in Chinese for the rule owner; `kind` is stable."""

    severity: Literal["error", "warning"]
    kind: Literal["example", "dead_phrase", "conflict", "duplicate"]
    file: str
    rule: str
    what: str

    def __str__(self) -> str:
        return f"{self.file}，规则 {self.rule}：{self.what}"


@dataclass(frozen=True, slots=True)
class CheckReport:
    """`counts` has every label; `examples` is how many example sentences were run."""

    version: str
    counts: Mapping[str, int]
    examples: int
    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """Whether there is no error; warnings do not count."""
        return all(finding.severity != "error" for finding in self.findings)


def _examples(engine: RuleEngine, origin: Mapping[str, str]) -> Iterator[Finding]:
    for compiled in engine.rules:
        rule = compiled.rule
        for wanted, sentences in ((True, rule.examples.hit), (False, rule.examples.miss)):
            for sentence in sentences:
                text = normalise(sentence)
                title = text if rule.field == "title" else None
                hits = {hit.rule for hit in engine.apply(title, text).hits}
                if (rule.id in hits) is not wanted:
                    verb = "没有命中" if wanted else "不该命中却命中了"
                    what = f"例句“{sentence}”{verb}。请改短语、条件或例句"
                    yield Finding("error", "example", origin[rule.id], rule.id, what)


def _dead_phrases(rule: CompiledRule, words: Mapping[int, str], file: str) -> Iterator[Finding]:
    """Phrases that contain what cancels them: 停车收费 under `without: [收费]` never hits."""
    cancelling = {words[number] for group in rule.excluded for number in group.phrases}
    for number in rule.phrases:
        within = sorted(word for word in cancelling if word in words[number])
        if within:
            what = (
                f"短语“{words[number]}”含有 without 里的“{within[0]}”，永远不会命中。请删去其中一个"
            )
            yield Finding("warning", "dead_phrase", file, rule.rule.id, what)


def _is_plain(rule: CompiledRule) -> bool:
    return not (rule.required or rule.excluded or rule.rule.whole_word or rule.rule.pattern)


def _shared_phrases(
    engine: RuleEngine, words: Mapping[int, str], origin: Mapping[str, str]
) -> Iterator[Finding]:
    """Phrases that speak without any condition for two rules."""
    owners: dict[tuple[int, str], CompiledRule] = {}
    for rule in filter(_is_plain, engine.rules):
        for number in rule.phrases:
            other = owners.setdefault((number, rule.rule.field), rule)
            if other is rule:
                continue
            here, there = rule.rule.label.value, other.rule.label.value
            if here == there:
                what = f"短语“{words[number]}”在规则 {other.rule.id} 里也有，会加分两次"
                yield Finding("warning", "duplicate", origin[rule.rule.id], rule.rule.id, what)
            elif {here, there} <= DEPARTMENT_LABELS:
                what = f"短语“{words[number]}”在 {other.rule.id} 里指向另一个部门（{there}）"
                yield Finding("warning", "conflict", origin[rule.rule.id], rule.rule.id, what)


def _override_conflicts(
    engine: RuleEngine, words: Mapping[int, str], origin: Mapping[str, str]
) -> Iterator[Finding]:
    owners: dict[int, CompiledRule] = {}
    for rule in engine.rules:
        for number in rule.phrases if rule.rule.override else ():
            other = owners.setdefault(number, rule)
            if other.rule.label is not rule.rule.label:
                what = (
                    f"短语“{words[number]}”与 {other.rule.id} 都写了 override 却指向不同部门，"
                    "两条会互相抵消。请只留一条"
                )
                yield Finding("error", "conflict", origin[rule.rule.id], rule.rule.id, what)


def check(path: Path) -> CheckReport:
    """Load and examine the rulebook at `path` (a file or a directory).

    Raises:
        RulebookError: the rulebook does not load.
    """
    book, origin = read_rulebook(path)
    compiled = compile_rulebook(book, origin)
    engine = RuleEngine(compiled)
    words = {number: phrase for phrase, number in compiled.matcher.numbers.items()}
    findings = [
        *_examples(engine, origin),
        *_override_conflicts(engine, words, origin),
        *(
            finding
            for rule in engine.rules
            for finding in _dead_phrases(rule, words, origin[rule.rule.id])
        ),
        *_shared_phrases(engine, words, origin),
    ]
    findings.sort(key=lambda finding: finding.severity)
    counts = Counter(rule.rule.label.value for rule in engine.rules)
    return CheckReport(
        version=engine.version,
        counts={label.value: counts[label.value] for label in Label},
        examples=sum(len(r.examples.hit) + len(r.examples.miss) for r in book.rules),
        findings=tuple(findings),
    )
