"""Files on several processes: the same bytes, and on from wherever they were interrupted."""

from __future__ import annotations

import contextlib
import json
import os
import random
import resource
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.cli.conftest import ROOT, Run, decisions, started, texts, write_rows
from tests.fakes import VERSIONS
from triage.io import Options, Output, Source, UnfinishedOutputError
from triage.io.xlsx import XlsxWriter
from triage.pipeline import Pipeline
from triage.types import Message

KINDS = ("jsonl", "csv", "xlsx", "parquet")
ROWS = 700


def write(path: Path, messages: list[str]) -> Path:
    if path.suffix == ".jsonl":
        return write_rows(path, messages)
    ids = [str(number) for number in range(len(messages))]
    if path.suffix == ".parquet":
        pq.write_table(pa.table({"id": ids, "text": messages}), path, row_group_size=100)
    elif path.suffix == ".xlsx":
        book = openpyxl.Workbook()
        sheet = book.active
        assert sheet is not None
        for row in [("id", "text"), *zip(ids, messages, strict=True)]:
            sheet.append(row)
        book.save(path)
    else:
        path.write_text("\n".join(["id,text", *map(",".join, zip(ids, messages, strict=True))]))
    return path


def content(path: Path) -> list[bytes]:
    """What is equal where two outputs are: a workbook says besides when it was made."""
    if path.suffix != ".xlsx":
        return [path.read_bytes()]
    with zipfile.ZipFile(path) as book:
        return [book.read(name) for name in book.namelist() if name != "docProps/core.xml"]


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.mark.parametrize(
    ("source", "target"), [*zip(KINDS, ("csv", "xlsx", "parquet", "jsonl"), strict=True)]
)
def test_one_process_and_two_write_the_same_bytes(
    run: Run, tmp_path: Path, source: str, target: str
) -> None:
    file = write(tmp_path / f"in.{source}", texts(ROWS))
    outs = [tmp_path / f"out{workers}.{target}" for workers in (1, 2)]
    for workers, out in enumerate(outs, start=1):
        ran = run("classify", str(file), "-o", str(out), "--workers", str(workers))
        assert ran.code == 1
        assert f"{ROWS} messages, 70 with an error" in ran.err
        assert f"{workers} process" in ran.err
        assert " rows/s" in ran.err
    assert content(outs[0]) == content(outs[1])
    assert names(tmp_path) == {file.name, *(out.name for out in outs)}


def test_standard_output_is_in_order(run: Run, tmp_path: Path) -> None:
    file = write_rows(tmp_path / "in.jsonl", texts(ROWS))
    ran = run("classify", str(file), "--workers", "2")
    for line, wanted in zip(ran.out.splitlines(), decisions(texts(ROWS)), strict=True):
        assert line == wanted or (wanted is None and "error" in json.loads(line))


def test_the_shipped_bundle_decides_the_same_in_every_process(tmp_path: Path) -> None:
    messages = texts(130)
    file = write_rows(tmp_path / "in.jsonl", messages)
    pipeline = Pipeline.load()
    for workers in ("1", "2"):
        ran = subprocess.run(
            [sys.executable, "-m", "triage.cli", "classify", str(file), "--workers", workers],
            cwd=ROOT,
            capture_output=True,
            timeout=300,
        )
        for number, line in enumerate(ran.stdout.splitlines()):
            if messages[number].strip():
                decision = pipeline.classify(Message(id=str(number), text=messages[number]))
                assert line == decision.model_dump_json().encode()
        assert number == len(messages) - 1
        assert f"{workers} process" in ran.stderr.decode()


def wait_for(path: Path, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 60
    while not path.exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)


def living(group: int) -> list[str]:
    """Processes of the group that have not ended."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, _, its_group = stat.read_text().rpartition(")")[2].split()[:3]
            if int(its_group) == group and state != "Z":
                found.append(stat.parent.name)
    return found


def wait_until_ended(group: int) -> None:
    deadline = time.monotonic() + 20
    while living(group):
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize(("kind", "workers"), [*zip(KINDS, "2222", strict=True), ("jsonl", "1")])
def test_goes_on_after_a_kill_at_any_row(run: Run, tmp_path: Path, kind: str, workers: str) -> None:
    messages = texts(1_500)
    file = write(tmp_path / f"in.{kind}", messages)
    out, whole = tmp_path / f"out.{kind}", tmp_path / f"whole.{kind}"
    with started("slow", "classify", str(file), "-o", str(out), "--workers", workers) as process:
        wait_for(tmp_path / f".out.{kind}.part.json", process)
        time.sleep(random.random() * 0.4)
        process.kill()
        process.wait()
        wait_until_ended(process.pid)
    assert names(tmp_path) == {file.name, f".out.{kind}.part", f".out.{kind}.part.json"}
    ran = run("classify", str(file), "-o", str(out), "--workers", workers)
    assert ran.code == 1, ran.err
    assert f"rows of the unfinished out.{kind}" in ran.err
    assert "of them done before" in ran.err
    run("classify", str(file), "-o", str(whole))
    assert content(out) == content(whole)
    assert names(tmp_path) == {file.name, out.name, whole.name}


def children(process: subprocess.Popen[str]) -> list[int]:
    """Its processes that classify."""
    listed = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return [
        int(pid) for pid in listed if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()
    ]


def test_killed_workers_lose_nothing(run: Run, tmp_path: Path) -> None:
    file = write_rows(tmp_path / "in.jsonl", texts(1_500))
    out, whole = tmp_path / "out.jsonl", tmp_path / "whole.jsonl"
    with started("slow", "classify", str(file), "-o", str(out), "--workers", "2") as process:
        wait_for(tmp_path / ".out.jsonl.part.json", process)
        for _ in range(2):
            os.kill(random.choice(children(process)), signal.SIGKILL)
            time.sleep(0.3)
        assert process.wait(60) == 1, process.communicate()
    run("classify", str(file), "-o", str(whole))
    assert out.read_bytes() == whole.read_bytes()


@pytest.mark.parametrize("workers", ["1", "2"])
def test_ctrl_c_ends_at_once_and_keeps_what_is_done(run: Run, tmp_path: Path, workers: str) -> None:
    messages = texts(3_000)
    file = write_rows(tmp_path / "in.jsonl", messages)
    out = tmp_path / "out.jsonl"
    with started("slow", "classify", str(file), "-o", str(out), "--workers", workers) as process:
        wait_for(tmp_path / ".out.jsonl.part.json", process)
        began = time.monotonic()
        os.killpg(process.pid, signal.SIGINT)
        _, told = process.communicate(timeout=60)
        assert time.monotonic() - began < 5
        wait_until_ended(process.pid)
    assert process.returncode == 130
    assert "Traceback" not in told
    assert "rows are kept; the same command goes on after them" in told
    kept = (tmp_path / ".out.jsonl.part").read_bytes().splitlines()
    assert len(kept) >= int(told.splitlines()[0].split()[0].replace(",", ""))
    ran = run("classify", str(file), "-o", str(out))
    assert ran.code == 1
    assert out.read_bytes().splitlines()[: len(kept)] == kept
    assert len(out.read_bytes().splitlines()) == len(messages)


def test_ctrl_c_while_processes_start(tmp_path: Path) -> None:
    file = write_rows(tmp_path / "in.jsonl", texts(3_000))
    for delay in (0.3, 0.7, 1.1, 1.5):
        with started("slow", "classify", str(file), "--workers", "2") as process:
            time.sleep(delay)
            os.killpg(process.pid, signal.SIGINT)
            _, told = process.communicate(timeout=60)
        # Before Python has loaded the command itself, it says so in its own way.
        assert process.returncode == 130 or "triage/cli/pool.py" not in told, told
        assert "worker.py" not in told


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
        while not list(tmp_path.glob(".out.jsonl.*.part")):
            time.sleep(0.02)
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
