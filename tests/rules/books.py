"""Small rulebooks written to disk, as a rule owner would write them."""

from __future__ import annotations

from pathlib import Path

from triage.normalise import normalise
from triage.rules import RuleEngine, RuleOutcome

HEADER = 'rulebook: {name: test, version: "1"}\nauthor: 测试员\n'


def write(folder: Path, rules: str, *, header: str = HEADER, name: str = "book.yaml") -> Path:
    """Write a rulebook file; `rules` are YAML list items without indentation."""
    path = folder / name
    path.write_text(f"{header}rules:\n{rules}\n", encoding="utf-8")
    return path


def engine(folder: Path, rules: str) -> RuleEngine:
    return RuleEngine.load(write(folder, rules))


def apply(rules: RuleEngine, text: str, title: str | None = None) -> RuleOutcome:
    return rules.apply(None if title is None else normalise(title), normalise(text))


def found(rules: RuleEngine, text: str, title: str | None = None) -> list[str]:
    """The ids of the rules that hit, in order of their places."""
    return [hit.rule for hit in apply(rules, text, title).hits]
