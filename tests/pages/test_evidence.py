"""Why the machine decided, by name."""

from __future__ import annotations

from pathlib import Path

from serving.pages.evidence import rule_names
from serving.pages.markdown import blocks
from serving.settings import Settings

ROOT = Path(__file__).parents[2]


def test_rules_are_called_by_the_first_words_of_their_notes(tmp_path: Path) -> None:
    names = rule_names(Settings(models=tmp_path / "none"))
    assert names["civil-divorce"] == "民事·婚姻家庭：离婚"
    assert rule_names(Settings(models=tmp_path, rulebook=tmp_path / "gone.yaml")) == {}


def test_the_whole_guideline_is_understood() -> None:
    found = blocks((ROOT / "docs" / "guideline.zh-CN.md").read_text(encoding="utf-8"))
    assert {block.kind for block in found} == {"h2", "h3", "h4", "p", "list", "table"}
    told = "".join(
        text for block in found for row in block.rows for cell in row for _, text in cell
    )
    assert "](" not in told
    assert "**" not in told
    assert "`" not in told
    for block in found:
        if block.kind == "table":
            assert len({len(row) for row in block.rows}) == 1
