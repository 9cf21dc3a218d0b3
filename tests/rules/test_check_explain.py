from __future__ import annotations

from pathlib import Path

import pytest

from tests.rules.books import engine, write
from triage.errors import RulebookError
from triage.rules import Rejected, check, explain


def test_examples_are_run(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        """
- id: wages
  label: civil
  weight: 1
  note: 甲
  any: [拖欠工资]
  examples:
    hit: [老板拖欠工资, 老板不给钱]
    miss: [按时发工资, 从不拖欠工资]
""",
    )
    report = check(path)
    assert report.examples == 4
    assert not report.ok
    told = [str(finding) for finding in report.findings]
    assert len(told) == 2
    assert "“老板不给钱”没有命中" in told[0]
    assert "“从不拖欠工资”不该命中却命中了" in told[1]
    assert all("规则 wages" in line for line in told)


def test_title_rules_are_tried_on_titles(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "- {id: t, label: none, weight: 1, note: 甲, any: [感谢], field: title, examples: {hit: [感谢信]}}",
    )
    assert check(path).ok


def test_conflicts_duplicates_and_dead_phrases(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        """
- {id: a, label: civil, weight: 1, note: 甲, any: [停车费, 车位]}
- {id: b, label: administrative, weight: 1, note: 乙, any: [停车費]}
- {id: c, label: civil, weight: 1, note: 丙, any: [车位]}
- {id: d, label: civil, weight: 1, note: 丁, any: [占道停车], without: [占道]}
- {id: e, label: livelihood, weight: 1, note: 戊, any: [车位]}
""",
    )
    report = check(path)
    assert report.ok
    assert [(f.kind, f.rule) for f in report.findings] == [
        ("dead_phrase", "d"),
        ("conflict", "b"),
        ("duplicate", "c"),
    ]
    assert report.counts["civil"] == 3
    assert report.counts["deadline"] == 0


def test_overrides_that_cancel_each_other_are_an_error(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        """
- {id: a, label: civil, weight: 1, note: 甲, any: [支持起诉], override: true}
- {id: b, label: complaints, weight: 1, note: 乙, any: [支持起诉], override: true}
""",
    )
    report = check(path)
    assert not report.ok
    assert report.findings[0].severity == "error"


def test_check_does_not_hide_a_rulebook_that_does_not_load(tmp_path: Path) -> None:
    with pytest.raises(RulebookError):
        check(tmp_path / "nowhere")


def test_explain_tells_hits_and_near_misses(tmp_path: Path) -> None:
    rules = engine(
        tmp_path,
        """
- {id: hurt, label: life_safety, weight: 1, note: 伤, any: [受伤]}
- {id: wages, label: civil, weight: 2, note: 欠薪, any: [拖欠工资]}
- {id: boss, label: civil, weight: 1, note: 老板, any: [老板], with: [跑路]}
- {id: pay, label: civil, weight: 1, note: 工资, any: [工资], without: [拖欠]}
- {id: court, label: civil, weight: 1, note: 法院, any: [法院], whole_word: true}
""",
    )
    told = explain(rules, "標題", "並未受傷，老闆拖欠工資，不合法院落")
    assert [(hit.rule, hit.text, hit.note, hit.author) for hit in told.hits] == [
        ("wages", "拖欠工資", "欠薪", "测试员")
    ]
    assert {miss.rule: (miss.text, miss.rejected) for miss in told.near_misses} == {
        "hurt": ("受傷", Rejected.NEGATION),
        "boss": ("老闆", Rejected.MISSING_COMPANION),
        "pay": ("工資", Rejected.EXCLUDED),
        "court": ("法院", Rejected.PART_OF_WORD),
    }
    assert told.version == rules.version
    assert told.outcome.top == "civil"


def test_explain_of_a_message_without_title(tmp_path: Path) -> None:
    rules = engine(
        tmp_path,
        "- {id: w, label: civil, weight: 1, note: 甲, any: [工资], scope: [hypothesis, quotation]}",
    )
    assert explain(rules, None, "如果工资").near_misses[0].rejected is Rejected.HYPOTHESIS
    assert explain(rules, None, "听说工资").near_misses[0].rejected is Rejected.QUOTATION
    assert explain(rules, None, "你好").near_misses == ()


def test_the_example_of_the_guide_is_right(tmp_path: Path) -> None:
    guide = Path(__file__).parents[2] / "docs" / "rulebook.zh-CN.md"
    blocks = guide.read_text(encoding="utf-8").split("```yaml\n")[1:]
    book = next(block.split("```")[0] for block in blocks if block.startswith("rulebook:"))
    path = tmp_path / "guide.yaml"
    path.write_text(book, encoding="utf-8")
    report = check(path)
    assert report.ok
    assert report.examples == 2
