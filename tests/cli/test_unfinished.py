"""What is found of an earlier run: gone on with where it fits, refused where it does not."""

from __future__ import annotations

import contextlib
import resource
import signal
import subprocess
import sys
from pathlib import Path

import openpyxl
import pytest

from tests.cli.conftest import Run, decisions, texts, wait_for, write_rows
from tests.cli.files import KINDS, names
from tests.fakes import VERSIONS
from tests.serving.process import ROOT
from triage.io import Options, Output, Source, UnfinishedOutputError
from triage.io.xlsx import XlsxWriter


def unfinished(
    tmp_path: Path, *, with_text: bool = False, explain: bool = False
) -> tuple[Path, Path]:
    """An input of 20 rows, and its output as an interruption has left it after 5."""
    file = write_rows(tmp_path / "in.jsonl", texts(20))
    out = tmp_path / "out.jsonl"
    options = Options(with_text=with_text, explain=explain)
    with (
        contextlib.suppress(KeyboardInterrupt),
        Output(out, options, Source.of(file)) as output,
    ):
        output.begin(VERSIONS)
        for line in decisions(texts(5)):
            assert line
            output.write(line + b"\n", 1, 0)
        raise KeyboardInterrupt
    assert output.kept == 5
    return file, out


@pytest.mark.parametrize("kind", KINDS)
def test_a_finished_output_is_simply_replaced(run: Run, tmp_path: Path, kind: str) -> None:
    file = write_rows(tmp_path / "in.jsonl", texts(20))
    out = tmp_path / f"out.{kind}"
    for _ in range(2):
        assert "going on" not in run("classify", str(file), "-o", str(out)).err


def test_goes_on_by_itself(run: Run, tmp_path: Path) -> None:
    file, out = unfinished(tmp_path)
    ran = run("classify", str(file), "-o", str(out))
    assert "going on after 5 rows of the unfinished out.jsonl" in ran.err
    assert "20 messages, 2 with an error, 5 of them done before" in ran.err
    assert out.read_bytes().splitlines()[8:17] == decisions(texts(20))[8:17]
    assert names(tmp_path) == {"in.jsonl", "out.jsonl"}


def test_refused_for_another_input(run: Run, tmp_path: Path) -> None:
    file, out = unfinished(tmp_path)
    before = names(tmp_path)
    write_rows(file, texts(21))
    ran = run("classify", str(file), "-o", str(out))
    assert ran.code == 2
    assert ran.err.startswith("unfinished_output: there is an unfinished out.jsonl with 5 rows")
    assert "another input" in ran.err
    assert "--restart" in ran.err
    assert names(tmp_path) == before
    ran = run("classify", str(file), "-o", str(out), "--restart")
    assert "21 messages, 2 with an error, 0" in ran.err
    assert names(tmp_path) == {"in.jsonl", "out.jsonl"}


@pytest.mark.parametrize("option", ["--explain", "--with-text"])
@pytest.mark.parametrize("before", [True, False])
def test_refused_for_other_options(run: Run, tmp_path: Path, option: str, before: bool) -> None:
    file, out = unfinished(tmp_path, **{option[2:].replace("-", "_"): before})
    ran = run("classify", str(file), "-o", str(out), *([] if before else [option]))
    assert ran.code == 2
    assert f"{'with' if before else 'without'} {option}" in ran.err


def test_refused_for_other_versions(run: Run, tmp_path: Path) -> None:
    file, out = unfinished(tmp_path)
    before = names(tmp_path)
    ran = run("classify", str(file), "-o", str(out), load="other")
    assert ran.code == 2
    assert "decided by model fake@1+00000000, and now it is fake@2+11111111" in ran.err
    assert names(tmp_path) == before
    assert run("classify", str(file), "-o", str(out)).code == 1


def test_a_bundle_that_cannot_be_loaded_spoils_nothing(run: Run, tmp_path: Path) -> None:
    file, out = unfinished(tmp_path)
    ran = run("classify", str(file), "-o", str(out), load="broken")
    assert ran.code == 2
    assert "5 rows are kept" in ran.err
    assert "going on after 5 rows" in run("classify", str(file), "-o", str(out)).err


def test_a_note_that_cannot_be_read_is_refused(run: Run, tmp_path: Path) -> None:
    file, out = unfinished(tmp_path)
    (tmp_path / ".out.jsonl.part.json").write_text("{}")
    ran = run("classify", str(file), "-o", str(out))
    assert ran.code == 2
    assert "--restart" in ran.err
    assert run("classify", str(file), "-o", str(out), "--restart").code == 1


def test_rows_that_got_lost_are_done_again(run: Run, tmp_path: Path) -> None:
    file, out = unfinished(tmp_path)
    (tmp_path / ".out.jsonl.part").write_bytes(b"")
    assert "going on" not in run("classify", str(file), "-o", str(out)).err
    assert len(out.read_bytes().splitlines()) == 20


def test_two_runs_cannot_write_one_output(tmp_path: Path) -> None:
    file = write_rows(tmp_path / "in.jsonl", texts(20))
    out, options = tmp_path / "out.csv", Options()
    with (
        Output(out, options, Source.of(file)),
        pytest.raises(UnfinishedOutputError, match=r"another run is writing out\.csv"),
    ):
        Output(out, options, Source.of(file))


def test_standard_input_leaves_nothing_behind(tmp_path: Path) -> None:
    file, out = write_rows(tmp_path / "in.jsonl", texts(2_000)), tmp_path / "out.jsonl"
    with (
        file.open("rb") as rows,
        subprocess.Popen(
            [sys.executable, "-m", "tests.cli.command", "slow", "classify", "-", "-o", str(out)],
            cwd=ROOT,
            stdin=rows,
            stderr=subprocess.PIPE,
        ) as process,
    ):
        # Not before: an interrupt while CPython still imports modules may be lost.
        wait_for(
            lambda: any(part.stat().st_size for part in tmp_path.glob(".out.jsonl.*.part")),
            process,
        )
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
    assert names(tmp_path) == {"in.jsonl"}


def test_a_full_disk_keeps_what_was_written(run: Run, tmp_path: Path) -> None:
    file, out = write_rows(tmp_path / "in.jsonl", texts(1_000)), tmp_path / "out.jsonl"
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, hard))
    try:
        ran = run("classify", str(file), "-o", str(out), "--workers", "1", load="slow")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert ran.code == 2
    assert "Traceback" not in ran.err
    assert run("classify", str(file), "-o", str(out)).code == 1
    assert len(out.read_bytes().splitlines()) == 1_000


def test_a_full_sheet_is_followed_by_another(tmp_path: Path) -> None:
    file = tmp_path / "out.xlsx"
    with contextlib.closing(XlsxWriter(file, with_text=False, sheet_rows=3)) as writer:
        for number in range(5):
            writer.write([number])
        writer.save()
    sheets = openpyxl.load_workbook(file).worksheets
    assert [sheet.title for sheet in sheets] == ["triage", "triage 2", "triage 3"]
    assert [[row[0].value for row in sheet] for sheet in sheets] == [
        ["row", 0, 1],
        ["row", 2, 3],
        ["row", 4],
    ]
