"""Rules made ready for matching: phrases as numbers, patterns compiled, defaults resolved."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from triage.errors import RulebookError
from triage.rules.faults import Fault, summary
from triage.rules.matcher import (
    Pattern,
    PhraseMatcher,
    compile_pattern,
    normalise_phrases,
    unusual_characters,
)
from triage.rules.schema import Group, Rule, Rulebook, Scope

# Any change of what hits (matching, distance, scope, word boundaries) must change this: decisions
# are replayed by version.
ENGINE_VERSION: Final = "1"

Near = int | Literal["clause", "sentence", "message"]


@dataclass(frozen=True, slots=True)
class CompiledGroup:
    """A group of `with` or `without`, its phrases as numbers of the matcher."""

    phrases: frozenset[int]
    within: Near


@dataclass(frozen=True, slots=True)
class CompiledRule:
    """`order` is the rule's place in the rulebook; `scopes` are those that cancel a hit."""

    order: int
    rule: Rule
    phrases: tuple[int, ...]
    pattern: Pattern | None
    required: tuple[CompiledGroup, ...]
    excluded: tuple[CompiledGroup, ...]
    scopes: tuple[Scope, ...]


@dataclass(frozen=True, slots=True)
class CompiledRulebook:
    """`by_phrase[n]` lists the rules that phrase `n` may hit; `patterned` have a pattern."""

    version: str
    matcher: PhraseMatcher
    rules: tuple[CompiledRule, ...]
    by_phrase: Mapping[int, tuple[int, ...]]
    patterned: tuple[int, ...]


def content_version(book: Rulebook) -> str:
    """`name@version+hash`; the hash covers engine and rules, not notes, authors and examples."""
    rules = [
        rule.model_dump(mode="json", by_alias=True, exclude={"note", "author", "examples"})
        for rule in book.rules
    ]
    content = {"engine": ENGINE_VERSION, "rules": rules}
    data = json.dumps(content, ensure_ascii=False, sort_keys=True).encode()
    digest = hashlib.sha256(data).hexdigest()[:8]
    return f"{book.header.name}@{book.header.version}+{digest}"


def _all_phrases(rule: Rule) -> list[str]:
    groups = (*rule.required, *rule.excluded)
    return [*rule.any, *(phrase for group in groups for phrase in group.any)]


def _pattern(rule: Rule, file: str, faults: list[Fault]) -> Pattern | None:
    if rule.pattern is None:
        return None
    unusual = unusual_characters(rule.pattern)
    if unusual is not None:
        what = f"pattern 须写简体、半角：{unusual}"
        faults.append(Fault(file, rule.id, what))
        return None
    try:
        return compile_pattern(rule.pattern)
    except ValueError as error:
        faults.append(Fault(file, rule.id, str(error)))
        return None


def compile_rulebook(book: Rulebook, origin: Mapping[str, str]) -> CompiledRulebook:
    """Compile every rule. `origin` names the file of each rule, for the faults.

    Raises:
        RulebookError: a pattern does not compile, or a phrase has no visible character.
    """
    written = list(dict.fromkeys(p for rule in book.rules for p in _all_phrases(rule)))
    folded = dict(zip(written, normalise_phrases(written), strict=True))
    faults: list[Fault] = []
    for rule in book.rules:
        for phrase in _all_phrases(rule):
            if not folded[phrase]:
                what = "有一个短语没有可见的文字。请写上文字或删去"
                faults.append(Fault(origin[rule.id], rule.id, what))
    matcher = PhraseMatcher(phrase for phrase in folded.values() if phrase)
    number = {phrase: matcher.numbers.get(folded[phrase], -1) for phrase in written}

    def group(source: Group) -> CompiledGroup:
        return CompiledGroup(frozenset(number[p] for p in source.any), source.within)

    rules = tuple(
        CompiledRule(
            order=order,
            rule=rule,
            phrases=tuple(dict.fromkeys(number[phrase] for phrase in rule.any)),
            pattern=_pattern(rule, origin[rule.id], faults),
            required=tuple(map(group, rule.required)),
            excluded=tuple(map(group, rule.excluded)),
            scopes=rule.cancelled_by,
        )
        for order, rule in enumerate(book.rules)
    )
    if faults:
        raise RulebookError(summary(faults))
    by_phrase: dict[int, list[int]] = {}
    for rule_ in rules:
        for phrase_number in rule_.phrases:
            by_phrase.setdefault(phrase_number, []).append(rule_.order)
    return CompiledRulebook(
        version=content_version(book),
        matcher=matcher,
        rules=rules,
        by_phrase={phrase: tuple(orders) for phrase, orders in by_phrase.items()},
        patterned=tuple(rule_.order for rule_ in rules if rule_.pattern is not None),
    )
