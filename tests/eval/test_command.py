from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from eval.__main__ import main
from tests.eval.fakes import SECRET, row, rows, write_rows
from triage.bundle import default_path


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


def test_two_bundles_are_compared(tmp_path: Path) -> None:
    write_rows(tmp_path / "labelled" / "train.jsonl", rows(5))
    urgent = row(90, "civil", text="欠款，十分危险", urgent=1, reasons=["life_safety"])
    write_rows(tmp_path / "labelled" / "dev.jsonl", [*rows(2), urgent])
    code, output = _run(
        "--data", str(tmp_path), "--baseline-bundle", str(default_path()), "--no-runtime",
        "--out", str(tmp_path / "out"), "--cache", str(tmp_path / "cache"),
    )  # fmt: skip
    assert code == 0, output
    assert SECRET not in output
    report = json.loads((tmp_path / "out" / "report.json").read_text("utf-8"))
    pairs = [(c["system"], c["other"]) for c in report["comparisons"]]
    assert ("fusion", "other_bundle") in pairs
    assert ("model", "baseline") in pairs
    against = report["comparisons"][pairs.index(("fusion", "other_bundle"))]
    assert (against["gain"]["value"], against["better"], against["worse"]) == (0.0, 0, 0)
    assert against["p"] == 1.0
    assert "other bundle" in output
    assert report["files"].keys() == {file.name for file in default_path().iterdir()}
    assert report["converted"]["messages"] == 9
    assert report["runtime"] is None
