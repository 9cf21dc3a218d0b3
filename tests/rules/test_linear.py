"""Time grows with the length of a text, not with its square, whatever an attacker repeats."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.rules.books import engine
from triage.normalise import Normalised, normalise
from triage.rules import RuleEngine

# Rule, and the text of a length: each makes every occurrence fail, so that all are tried.
CASES = {
    "companions in other sentences": (
        "any: [刮], with: [砸]",
        lambda size: "刮。" * (size // 4) + "砸。" * (size // 4),
    ),
    "companion too far": (
        "any: [刮], with: [{any: [砸], within: 5}]",
        lambda size: "刮" * (size // 2) + "在" * 9 + "砸" * (size // 2),
    ),
    "one clause without end": ("any: [刮], without: [砸]", lambda size: "刮" * size + "砸"),
    "pattern that reads on to the end": (
        "pattern: '刮(.*砸)?', with: [{any: [天], within: 5}]",
        lambda size: "刮" * size + "天",
    ),
    "parts of words": (
        "any: [法院], whole_word: true",
        lambda size: "不合法院落" * (size // 5),
    ),
    "denials": ("any: [伤], scope: [negation]", lambda size: "没有伤" * (size // 3)),
    "titles": ("any: [伤], scope: [quotation]", lambda size: "《" * size + "伤" * size + "》"),
}
SIZE = 4_000


def _seconds(rules: RuleEngine, text: Normalised) -> float:
    """The least time of the processor that the text takes."""
    best = float("inf")
    for _ in range(3):
        start = time.process_time()
        rules.apply(None, text)
        best = min(best, time.process_time() - start)
    return best


@pytest.mark.parametrize("case", CASES)
def test_time_is_linear(tmp_path: Path, case: str) -> None:
    rule, text = CASES[case]
    rules = engine(tmp_path, f"- {{id: r, label: civil, weight: 1, note: 甲, {rule}}}")
    rules.warm_up()
    short, long = normalise(text(SIZE)), normalise(text(4 * SIZE))
    rules.apply(None, short)
    assert _seconds(rules, long) < 9 * _seconds(rules, short)  # 4 is linear, 16 is quadratic
