"""Every fault is a RulebookError that names the file, the rule and what to do, in Chinese."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.rules.books import HEADER, write
from triage.errors import RulebookError
from triage.rules import RuleEngine
from triage.rules.loading import read_rulebook

GOOD = "- {id: good, label: civil, weight: 1, note: 甲, any: [合同]}"


def fault(path: Path) -> str:
    with pytest.raises(RulebookError) as caught:
        RuleEngine.load(path)
    return str(caught.value)


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ("- {id: bad, label: civil, weight: 1, note: 甲}", "既没有 any 也没有 pattern"),
        ("- {id: bad, label: civil, weight: 1, any: [合同]}", "缺少“note”"),
        ("- {id: bad, label: civil, note: 甲, any: [合同]}", "缺少“weight”"),
        ("- {id: bad, label: civil, weight: 99, note: 甲, any: [合同]}", "0.1 至 10"),
        ("- {id: bad, label: civil, weight: 0, note: 甲, any: [合同]}", "0.1 至 10"),
        ("- {id: bad, label: civil, weight: 重, note: 甲, any: [合同]}", "“weight”"),
        ("- {id: bad, label: 民事, weight: 1, note: 甲, any: [合同]}", "public_interest"),
        ("- {id: bad, label: civil, weight: 1, note: 甲, any: ['']}", "“any” 第 1 项是空的"),
        ("- {id: bad, label: civil, weight: 1, note: 甲, any: [' ']}", "没有可见的文字"),
        (
            "- {id: bad, label: civil, weight: 1, note: 甲, any: ['\\u200b']}".replace("'", '"'),
            "没有可见的文字",
        ),
        ("- {id: bad, label: civil, weight: 1, note: 甲, any: 合同}", "应是一个列表"),
        (
            "- {id: bad, label: civil, weight: 1, note: 甲, any: [合同, 2024]}",
            "“any” 第 2 项不是文字",
        ),
        ("- {id: bad, label: civil, weight: 1, note: 甲, any: [no]}", "请加引号"),
        (f"- {{id: bad, label: civil, weight: 1, note: 甲, any: [{'长' * 41}]}}", "太长"),
        (
            "- {id: bad, label: civil, weight: 1, note: 甲, any: [合同], witout: [甲]}",
            "不认识的项“witout”",
        ),
        (
            "- {id: bad, label: civil, weight: 1, note: 甲, any: [合同], with: [{any: [甲], near: 3}]}",
            "不认识的项“near”",
        ),
        (
            "- {id: bad, label: civil, weight: 1, note: 甲, any: [合同], with: [{any: [甲], within: far}]}",
            "“within”写错了",
        ),
        (
            "- {id: bad, label: civil, weight: 1, note: 甲, any: [合同], with: [{any: [甲], within: -1}]}",
            "“within”写错了",
        ),
        ("- {id: bad, label: civil, weight: 1, note: 甲, any: [合同], with: [[]]}", "空列表"),
        (
            "- {id: bad, label: civil, weight: 1, note: 甲, any: [合同], without: [5]}",
            "“without” 第 1 项",
        ),
        ("- {id: bad, label: civil, weight: 1, note: 甲, any: [合同], scope: [maybe]}", "negation"),
        ("- {id: bad, label: civil, weight: 1, note: 甲, any: [合同], field: 标题}", "title"),
        (
            "- {id: bad, label: civil, weight: 1, note: 甲, any: [合同], whole_word: 是}",
            "true 或 false",
        ),
        (
            "- {id: bad, label: deadline, weight: 1, note: 甲, any: [合同], override: true}",
            "override 只能用于四个部门",
        ),
        ("- {id: bad, label: civil, weight: 1, note: 甲, pattern: '(甲'}", "正则表达式有误"),
        ("- {id: bad, label: civil, weight: 1, note: 甲, pattern: '(甲)\\1'}", "正则表达式有误"),
        ("- {id: bad, label: civil, weight: 1, note: 甲, pattern: '甲*'}", "匹配空文字"),
        ("- {id: bad, label: civil, weight: 1, note: 甲, pattern: '\\b甲*'}", "匹配空文字"),
        ("- {id: bad, label: civil, weight: 1, note: 甲, pattern: '工資'}", "应写作“工资”"),
    ],
)
def test_a_faulty_rule_is_named(tmp_path: Path, rule: str, says: str) -> None:
    message = fault(write(tmp_path, f"{GOOD}\n{rule}"))
    assert "book.yaml，规则 bad：" in message
    assert says in message
    assert "good" not in message


def test_a_rule_without_a_usable_id_is_named_by_its_place(tmp_path: Path) -> None:
    message = fault(
        write(
            tmp_path,
            f"{GOOD}\n- {{id: 中文, label: civil, weight: 1, note: 甲, any: [甲]}}\n- {{label: civil, weight: 1, note: 甲, any: [甲]}}",
        )
    )
    assert "规则 中文：“id”的写法不对" in message
    assert "（第 3 条）：缺少“id”" in message


def test_duplicate_ids_across_files(tmp_path: Path) -> None:
    write(tmp_path, GOOD, name="a.yaml")
    write(tmp_path, GOOD, name="b.yaml", header="author: 乙\n")
    message = fault(tmp_path)
    assert "b.yaml，规则 good：编号与 a.yaml 里的规则重复" in message


def test_all_faults_are_told_at_once_and_not_too_many(tmp_path: Path) -> None:
    rules = "\n".join(
        f"- {{id: r{n}, label: civil, weight: 50, note: 甲, any: [甲]}}" for n in range(30)
    )
    message = fault(write(tmp_path, rules))
    assert "30 处错误" in message
    assert message.count("book.yaml") == 20
    assert "另有 10 处" in message


def test_author_is_required_somewhere(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD, header='rulebook: {name: t, version: "1"}\n')
    assert "规则 good：缺少“author”" in fault(path)


def test_header_is_required_once(tmp_path: Path) -> None:
    assert "缺少“rulebook" in fault(write(tmp_path, GOOD, header="author: 乙\n"))
    write(tmp_path, GOOD, name="a.yaml")
    write(tmp_path, GOOD.replace("good", "other"), name="b.yaml")
    (tmp_path / "book.yaml").unlink()
    assert "在 a.yaml 里已经写过" in fault(tmp_path)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("rules:\n  - {id: a\n  label: [", "第 3 行"),
        ("rules:\n\t- a", "第 2 行"),
        ("- a\n- b", "rulebook:"),
        ("", "rulebook:"),
        ("rules: []\nrules: []", "“rules”写了两次"),
        ("1: 甲", "项目名不是文字"),
        ("a: &x [1]\nb: *x", "别名"),
        ("a: !!python/object/apply:os.system [ls]", "格式读不懂"),
        ("a: 2024-99-99", "日期"),
        ("a: " + "[" * 5000, "第 1 行"),
        (f"{HEADER}rules: []", "一条规则也没有"),
        (f"{HEADER}rules: 甲", "应是一个列表"),
        (f"{HEADER}rulez: []", "不认识的项“rulez”"),
    ],
)
def test_a_faulty_file_is_named(tmp_path: Path, content: str, says: str) -> None:
    path = tmp_path / "broken.yaml"
    path.write_text(content, encoding="utf-8")
    message = fault(path)
    assert "broken.yaml：" in message
    assert says in message


def test_wrong_encoding_missing_file_and_empty_folder(tmp_path: Path) -> None:
    path = tmp_path / "gbk.yaml"
    path.write_bytes("author: 测试".encode("gb18030"))
    assert "不是 UTF-8" in fault(path)
    assert "找不到" in fault(tmp_path / "nowhere.yaml")
    (tmp_path / "empty").mkdir()
    assert "没有 .yaml 文件" in fault(tmp_path / "empty")
    huge = tmp_path / "huge.yaml"
    huge.write_text("#" * (2 * 1024 * 1024 + 1), encoding="utf-8")
    assert "超过 2 MB" in fault(huge)


def test_a_byte_order_mark_is_allowed(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD)
    path.write_text("\ufeff" + path.read_text(encoding="utf-8"), encoding="utf-8")
    book, origin = read_rulebook(path)
    assert book.rules[0].author == "测试员"
    assert origin == {"good": "book.yaml"}


def test_faults_say_what_to_do(tmp_path: Path) -> None:
    message = fault(write(tmp_path, "- {id: bad, label: civil, weight: 99, note: 甲, any: [合同]}"))
    assert re.search(r"请", message)
