from __future__ import annotations

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from eval.__main__ import main
from tests.eval.fakes import SECRET, rows, write_rows


def _run(*arguments: str) -> tuple[int, str]:
    app = typer.Typer()
    app.command()(main)
    result = CliRunner().invoke(app, list(arguments))
    return result.exit_code, result.output


@pytest.mark.parametrize("bad", ["missing", "broken"])
def test_bad_data_ends_with_a_clear_error(tmp_path: Path, bad: str) -> None:
    path = tmp_path / "labelled" / "dev.jsonl"
    if bad == "broken":
        write_rows(path, rows(1))
        path.write_text(path.read_text("utf-8") + f'{{"text": "{SECRET}"', "utf-8")
    code, output = _run("--data", str(tmp_path))
    assert code == 2
    assert "dev.jsonl" in output.replace("\n", "")
    assert SECRET not in output


def test_a_missing_bundle_ends_with_a_clear_error(tmp_path: Path) -> None:
    write_rows(tmp_path / "labelled" / "dev.jsonl", rows(1))
    code, output = _run("--data", str(tmp_path), "--bundle", str(tmp_path / "none"))
    assert code == 2
    assert "is no bundle" in " ".join(output.split())
