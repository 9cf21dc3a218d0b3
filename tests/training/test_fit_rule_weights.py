from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.rules.books import engine, write
from training.fit_rule_weights import main, propose

RULES = """
- {id: wages, label: civil, weight: 1, note: 欠薪, any: [工资]}
- {id: bus, label: administrative, weight: 1, note: 公交, any: [公交]}
- {id: please, label: administrative, weight: 1, note: 无用, any: [请]}
- {id: late, label: deadline, weight: 1, note: 期限, any: [明天]}
"""
RECORDS: list[dict[str, object]] = [
    {"text": "请发工资", "title": None, "department": "civil"},
    {"text": "请问工资", "title": "欠薪", "department": "civil"},
    {"text": "公交太少", "title": "请增加公交", "department": "administrative"},
    {"text": "公交明天停", "title": None, "department": "administrative"},
] * 20


def test_telling_rules_gain_and_idle_rules_lose(tmp_path: Path) -> None:
    told = {p.rule: p for p in propose(engine(tmp_path, RULES), RECORDS)}
    assert set(told) == {"wages", "bus", "please"}
    assert told["wages"].proposed > 1
    assert told["bus"].proposed > 1
    assert told["please"].proposed < 0.5
    assert told["please"].hits == 60
    assert told["please"].precision == pytest.approx(1 / 3)


def test_the_command_prints_a_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = tmp_path / "data.jsonl"
    data.write_text("\n".join(map(json.dumps, RECORDS)), encoding="utf-8")
    main([str(data), "--rulebook", str(write(tmp_path, RULES))])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4
    assert lines[1].endswith("wages")
