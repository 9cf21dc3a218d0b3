"""The command as a whole: help, version, rules, model, terminals and pipes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.fakes import FakeClassifier
from tests.serving.process import ROOT
from triage.cli.show import marked, show_decision, shown_lines, visible
from triage.io import InputRow, Outcome, RowError
from triage.types import Message

BOOK = """
rulebook: {name: mine, version: "1"}
author: 测试
rules:
  - {id: dust, label: public_interest, weight: 1, note: 扬尘, any: [扬尘], examples: {hit: [尘土扬尘]}}
"""


def command(
    *argv: str, stdin: bytes = b"", **environment: str
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "triage.cli", *argv],
        cwd=ROOT,
        env=os.environ | environment,
        input=stdin,
        capture_output=True,
        timeout=60,
    )


def test_help_and_version() -> None:
    shown = command("--help")
    assert shown.returncode == 0
    for name in (b"classify", b"rules", b"model", "紧急".encode()):
        assert name in shown.stdout
    assert command("--version").stdout.startswith(b"triage ")


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys\n"
        "from triage.cli.main import build_app\n"
        "build_app()\n"
        "heavy = {'onnxruntime', 'numpy', 'pydantic', 'jieba', 'pyarrow', 'openpyxl', 'fastapi',\n"
        "         'sqlalchemy', 'alembic', 'pwdlib', 'rich'}\n"
        "print(heavy & set(sys.modules))\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert ran.stdout.strip() == "set()", ran.stderr


def test_wrong_usage() -> None:
    for argv in (["classify"], ["nonsense"], ["classify", "a", "--none"]):
        ran = command(*argv)
        assert ran.returncode == 2
        assert b"Traceback" not in ran.stderr


@pytest.fixture
def book(tmp_path: Path) -> Path:
    file = tmp_path / "book.yaml"
    file.write_text(BOOK, encoding="utf-8")
    return file


def test_rules_check(run: Run, book: Path) -> None:
    ran = run("rules", "check", str(book))
    assert ran.code == 0
    assert json.loads(ran.out)["counts"]["public_interest"] == 1
    book.write_text(BOOK.replace("尘土扬尘", "没有"), encoding="utf-8")
    ran = run("rules", "check", str(book))
    assert ran.code == 2
    assert json.loads(ran.out)["findings"][0]["rule"] == "dust"


def test_rules_check_of_a_broken_book(run: Run, book: Path) -> None:
    book.write_text(BOOK.replace("any: [扬尘]", "pattern: '('"), encoding="utf-8")
    ran = run("rules", "check", str(book))
    assert ran.code == 2
    assert ran.err.startswith("invalid_rulebook: ")
    assert "dust" in ran.err


def test_rules_explain(run: Run, book: Path) -> None:
    ran = run("rules", "explain", "工地扬尘", "--rulebook", str(book))
    assert ran.code == 0
    (hit,) = json.loads(ran.out)["hits"]
    assert (hit["rule"], hit["start"], hit["end"]) == ("dust", 2, 4)
    assert run("rules", "explain", "").code == 2


def test_rules_schema(run: Run) -> None:
    assert json.loads(run("rules", "schema").out)["title"] == "RuleFile"


@pytest.mark.parametrize("action", ["show", "verify"])
def test_model_of_a_broken_bundle(run: Run, tmp_path: Path, action: str) -> None:
    ran = run("model", action, str(tmp_path))
    assert ran.code == 2
    assert ran.err.startswith("invalid_bundle: ")


def test_bundle_and_rulebook_from_the_environment(tmp_path: Path, book: Path) -> None:
    ran = command("classify", "你好", TRIAGE_BUNDLE=str(tmp_path), TRIAGE_RULEBOOK=str(book))
    assert ran.returncode == 2
    assert b"invalid_bundle" in ran.stderr
    ran = command("rules", "explain", "扬尘", TRIAGE_RULEBOOK=str(book))
    assert json.loads(ran.stdout)["version"].startswith("mine@1")


def _outcome(text: str, title: str | None = None) -> Outcome:
    message = Message(id="a\x1b[31m", title=title, text=text)
    return Outcome(InputRow(1, message.id, message), FakeClassifier().classify(message))


def lines(outcome: Outcome) -> str:
    return shown_lines([outcome], width=80, colours=None).decode()


def test_decision_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    show_decision(_outcome("工地扬尘，账户冻结\x1b]0;x\x07", title="工地"))
    shown = capsys.readouterr().out
    for word in ("公益诉讼检察", "生计无着", "工地", "不需要", "扬尘（正文 2–4）",
                 "公益诉讼检察、民事检察"):  # fmt: skip
        assert word in shown
    assert "\x1b]" not in shown
    shown = lines(_outcome("扬尘"))
    assert "无可办理事项" in shown
    assert "\x1b[31m" not in shown
    assert "x: y" in lines(Outcome(InputRow(9, None, RowError("x", "y")), RowError("x", "y")))


def test_evidence_is_marked_at_its_offsets() -> None:
    text = marked("一\x1b二\u202e三", [(2, 3, "civil"), (4, 5, "deadline")])
    assert text.plain == "一·二·三"
    assert [(s.start, s.end, s.style) for s in text.spans] == [
        (2, 3, "bold green"),
        (4, 5, "bold red"),
    ]
    assert len(visible("a\x00\u200bb")) == 4
