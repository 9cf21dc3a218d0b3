from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.rules.books import apply, engine, found
from triage.labels import CLASSES, REASONS
from triage.normalise import normalise
from triage.rules import RuleEngine, compiled
from triage.types import Department, Reason

WAGES = "- {id: wages, label: civil, weight: 2, note: 欠薪, any: [拖欠工资, 工钱]}"


def test_scores_have_every_class_and_every_reason(tmp_path: Path) -> None:
    outcome = apply(engine(tmp_path, WAGES), "老板拖欠工资")
    assert outcome.scores == {name: 2.0 if name == "civil" else 0.0 for name in CLASSES}
    assert set(outcome.urgency) == set(REASONS)
    assert outcome.top == "civil"
    assert outcome.reasons == ()
    assert outcome.override is None


def test_silence_is_no_class(tmp_path: Path) -> None:
    outcome = apply(engine(tmp_path, WAGES), "今天天气很好")
    assert outcome.top is None
    assert outcome.hits == ()


@pytest.mark.parametrize(
    ("text", "piece"),
    [
        ("公司拖欠工资", "拖欠工资"),
        ("公司拖欠工資", "拖欠工資"),
        ("公司拖.欠.工.资", "拖.欠.工.资"),
        ("公司拖 欠 工 资", "拖 欠 工 资"),
        ("公司拖\u200b欠工资", "拖\u200b欠工资"),
        ("😀公司ＡＢＣ拖欠工资！", "拖欠工资"),
        ("①②③\n\n拖欠工资", "拖欠工资"),
    ],
)
def test_offsets_are_exact_in_the_text_as_received(tmp_path: Path, text: str, piece: str) -> None:
    (hit,) = apply(engine(tmp_path, WAGES), text).hits
    assert text[hit.start : hit.end] == piece


def test_phrases_may_be_written_in_traditional_or_full_width_characters(tmp_path: Path) -> None:
    rules = engine(
        tmp_path,
        "- {id: frozen, label: civil, weight: 1, note: 冻结, any: [賬戶凍結, ＡＰＰ扣费]}",
    )
    assert found(rules, "账户冻结了") == ["frozen"]
    assert found(rules, "app扣费") == ["frozen"]


def test_a_rule_counts_once_however_often_it_hits(tmp_path: Path) -> None:
    outcome = apply(engine(tmp_path, WAGES), "拖欠工资，工钱，拖欠工资" * 50, "工钱")
    assert outcome.scores["civil"] == 2.0
    assert [hit.field for hit in outcome.hits] == ["title"]


def test_hits_are_sorted_by_field_then_place(tmp_path: Path) -> None:
    rules = engine(
        tmp_path,
        """
- {id: b, label: civil, weight: 1, note: 甲, any: [合同]}
- {id: a, label: civil, weight: 1, note: 乙, any: [合同]}
- {id: c, label: administrative, weight: 1, note: 丙, any: [公交]}
- {id: d, label: complaints, weight: 1, note: 丁, any: [诈骗]}
""",
    )
    assert found(rules, "诈骗，公交，合同", "公交") == ["c", "d", "a", "b"]


def test_longest_phrase_is_the_evidence(tmp_path: Path) -> None:
    rules = engine(tmp_path, "- {id: n, label: civil, weight: 1, note: 甲, any: [噪音, 噪音污染]}")
    (hit,) = apply(rules, "噪音污染").hits
    assert (hit.start, hit.end) == (0, 4)


@pytest.mark.parametrize(("field", "expected"), [("any", True), ("title", False), ("text", True)])
def test_field_limits_where_a_rule_looks(tmp_path: Path, field: str, expected: bool) -> None:
    rules = engine(
        tmp_path,
        f"- {{id: f, label: civil, weight: 1, note: 甲, any: [合同], field: {field}}}",
    )
    assert bool(found(rules, "合同", "标题")) is expected
    assert bool(found(rules, "正文", "合同")) is (field != "text")


def test_urgency_weights_add_up_to_the_threshold(tmp_path: Path) -> None:
    rules = engine(
        tmp_path,
        "\n".join(
            f"- {{id: w{n}, label: livelihood, weight: {w}, note: 甲, any: [{p}]}}"
            for n, (w, p) in enumerate([(0.7, "停水"), (0.2, "三天"), (0.1, "老人")])
        ),
    )
    assert apply(rules, "停水，老人").reasons == ()
    assert apply(rules, "停水三天，老人").reasons == (Reason.LIVELIHOOD,)


def test_override_sets_a_department_and_two_that_disagree_do_not(tmp_path: Path) -> None:
    rules = engine(
        tmp_path,
        """
- {id: o1, label: complaints, weight: 1, note: 甲, any: [国家赔偿], override: true}
- {id: o2, label: civil, weight: 1, note: 乙, any: [支持起诉], override: true}
""",
    )
    assert apply(rules, "申请国家赔偿").override is Department.COMPLAINTS
    assert apply(rules, "申请国家赔偿和支持起诉").override is None


def test_a_tie_goes_to_the_first_class(tmp_path: Path) -> None:
    rules = engine(
        tmp_path,
        """
- {id: x, label: complaints, weight: 1, note: 甲, any: [甲事]}
- {id: y, label: administrative, weight: 1, note: 乙, any: [乙事]}
""",
    )
    assert apply(rules, "甲事乙事").top == "administrative"


def test_version_follows_what_decides_and_not_the_notes(tmp_path: Path) -> None:
    base = "- {id: v, label: civil, weight: 1, note: 甲, any: [合同]}"
    first = engine(tmp_path, base).version
    assert first.startswith("test@1+")
    assert engine(tmp_path, base.replace("note: 甲", "note: 乙")).version == first
    assert engine(tmp_path, base.replace("weight: 1", "weight: 2")).version != first


def test_version_follows_the_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = engine(tmp_path, WAGES).version
    monkeypatch.setattr(compiled, "ENGINE_VERSION", "another")
    assert engine(tmp_path, WAGES).version != before


def test_many_threads_give_the_same_outcome() -> None:
    rules = RuleEngine.default()
    texts = [
        normalise(f"{n}号楼停水三天了，物业公司拖欠工资，不合法院落" * (n % 7 + 1))
        for n in range(40)
    ]
    alone = [rules.apply(None, text) for text in texts]
    with ThreadPoolExecutor(8) as pool:
        for _ in range(5):
            assert list(pool.map(lambda text: rules.apply(None, text), texts)) == alone


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.text(max_size=300), st.none() | st.text(max_size=40))
def test_any_text_gives_valid_hits(text: str, title: str | None) -> None:
    rules = RuleEngine.default()
    text += "拖欠工资"
    outcome = apply(rules, text, title)
    assert outcome == apply(rules, text, title)
    for hit in outcome.hits:
        source = text if hit.field == "text" else title
        assert source is not None
        assert 0 <= hit.start < hit.end <= len(source)


def test_importing_the_rules_does_not_import_jieba() -> None:
    code = "import sys, json, triage.rules; print(json.dumps('jieba' in sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert json.loads(run.stdout) is False
