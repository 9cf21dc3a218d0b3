from __future__ import annotations

from pathlib import Path

import pytest

from tests.rules.books import engine, found


def hits(tmp_path: Path, extra: str, text: str, title: str | None = None) -> bool:
    rules = engine(
        tmp_path, f"- {{id: r, label: civil, weight: 1, note: 甲, any: [工资], {extra}}}"
    )
    return bool(found(rules, text, title))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("老板欠工资", True),
        ("工资，老板不给", True),
        ("工资不高。老板人好", False),
        ("工资不高！老板人好", False),
        ("工资不高；老板人好", False),
        ("只有工资", False),
    ],
)
def test_with_wants_the_same_sentence(tmp_path: Path, text: str, expected: bool) -> None:
    assert hits(tmp_path, "with: [[老板, 公司]]", text) is expected


def test_every_group_of_with_must_occur(tmp_path: Path) -> None:
    extra = "with: [老板, [不给, 拖欠]]"
    assert hits(tmp_path, extra, "老板拖欠工资")
    assert not hits(tmp_path, extra, "老板发工资")
    assert not hits(tmp_path, extra, "公司拖欠工资")


@pytest.mark.parametrize(
    ("within", "text", "expected"),
    [
        ("2", "工资一二老板", True),
        ("2", "工资一二三老板", False),
        ("2", "老板一二工资", True),
        ("0", "老板工资", True),
        ("clause", "老板发工资", True),
        ("clause", "老板好，工资低", False),
        ("sentence", "老板好，工资低", True),
        ("sentence", "老板好。工资低", False),
        ("message", "老板好。工资低", True),
    ],
)
def test_within(tmp_path: Path, within: str, text: str, expected: bool) -> None:
    assert hits(tmp_path, f"with: [{{any: [老板], within: {within}}}]", text) is expected


def test_only_message_reaches_from_title_to_text(tmp_path: Path) -> None:
    assert hits(tmp_path, "with: [{any: [老板], within: message}]", "工资", "老板")
    assert not hits(tmp_path, "with: [{any: [老板], within: 40}]", "工资", "老板")


def test_a_later_hit_counts_when_the_first_fails(tmp_path: Path) -> None:
    assert hits(tmp_path, "with: [老板]", "工资低。工资老板没发")


@pytest.mark.parametrize(
    ("text", "expected"), [("退休工资", False), ("工资", True), ("退休了。工资低", True)]
)
def test_without_cancels_in_the_same_sentence(tmp_path: Path, text: str, expected: bool) -> None:
    assert hits(tmp_path, "without: [退休]", text) is expected


def test_pattern_alone_and_with_phrases(tmp_path: Path) -> None:
    rules = engine(
        tmp_path,
        "- {id: p, label: livelihood, weight: 1, note: 甲, pattern: '[0-9]{2,}名工人', with: [工资]}",
    )
    assert found(rules, "拖欠30名工人工资") == ["p"]
    assert found(rules, "拖欠３０名工人工資") == ["p"]
    assert found(rules, "拖欠3名工人工资") == []
    assert found(rules, "30名工人") == []


def test_a_later_match_of_a_pattern_counts_when_the_first_fails(tmp_path: Path) -> None:
    rules = engine(
        tmp_path, "- {id: p, label: life_safety, weight: 1, note: 甲, pattern: '受(了)?伤'}"
    )
    assert found(rules, "昨天没有人受伤。今天我儿子受伤了") == ["p"]
    assert found(rules, "昨天没有人受伤。今天也没有人受了伤") == []


def test_an_empty_match_of_a_pattern_is_no_hit(tmp_path: Path) -> None:
    rules = engine(tmp_path, "- {id: p, label: civil, weight: 1, note: 甲, pattern: '^a?\\b'}")
    assert found(rules, "bc") == []
    assert found(rules, "a b") == ["p"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("不合法院落被拆", False),
        ("去法院起诉", True),
        ("法院判了", True),
        ("本法院", True),
    ],
)
def test_whole_word(tmp_path: Path, text: str, expected: bool) -> None:
    rules = engine(
        tmp_path,
        "- {id: court, label: civil, weight: 1, note: 甲, any: [法院], whole_word: true}",
    )
    rules.warm_up()
    assert bool(found(rules, text)) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("我儿子受伤了", True),
        ("并未受伤", False),
        ("没有人受伤", False),
        ("没有受伤", False),
        ("不是受伤", False),
        ("尚未受伤", False),
        ("没受伤", False),
        ("没有及时处理，受伤", True),
        ("没有办法，他受伤", True),
        ("不得不说受伤严重", True),
        ("没有管理导致受伤", True),
        ("并未道歉，我受伤了", True),
        ("如果受伤怎么赔", False),
        ("万一有人受伤", False),
        ("受伤的话怎么办", False),
        ("要是不管，就有人受伤", True),
        ("为了避免受伤", False),
        ("听说有人受伤", False),
        ("据说有人受伤", False),
        ("听说了，他受伤了", True),
        ("根据《人身受伤鉴定标准》", False),
        ("他喊“受伤了”", True),
    ],
)
def test_scope_of_urgency_is_on_by_default(tmp_path: Path, text: str, expected: bool) -> None:
    rules = engine(tmp_path, "- {id: s, label: life_safety, weight: 1, note: 甲, any: [受伤]}")
    assert bool(found(rules, text)) is expected


@pytest.mark.parametrize("text", ["如果公司拖欠工资", "听说拖欠工资", "没有拖欠工资"])
def test_scope_of_departments_is_off_by_default(tmp_path: Path, text: str) -> None:
    rules = engine(tmp_path, "- {id: s, label: civil, weight: 1, note: 甲, any: [拖欠工资]}")
    assert found(rules, text) == ["s"]


def test_scope_can_be_chosen(tmp_path: Path) -> None:
    rules = engine(
        tmp_path,
        """
- {id: strict, label: civil, weight: 1, note: 甲, any: [工资], scope: [negation]}
- {id: loose, label: life_safety, weight: 1, note: 乙, any: [工资], scope: []}
""",
    )
    assert found(rules, "没有工资") == ["loose"]
    assert found(rules, "如果工资") == ["loose", "strict"]
