"""Files on several processes: the same bytes, and on from wherever they were interrupted."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.conftest import Run, decisions, started, texts, wait_for, write_rows
from tests.cli.files import KINDS, ROWS, content, names, write
from tests.serving.process import ROOT, until
from triage.pipeline import Pipeline
from triage.types import Message


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


def living(group: int) -> list[str]:
    """Processes of the group that have not ended."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, _, its_group = stat.read_text().rpartition(")")[2].split()[:3]
            if int(its_group) == group and state != "Z":
                found.append(stat.parent.name)
    return found


@pytest.mark.parametrize(("kind", "workers"), [*zip(KINDS, "2222", strict=True), ("jsonl", "1")])
def test_goes_on_after_a_kill_at_any_row(run: Run, tmp_path: Path, kind: str, workers: str) -> None:
    messages = texts(1_500)
    file = write(tmp_path / f"in.{kind}", messages)
    out, whole = tmp_path / f"out.{kind}", tmp_path / f"whole.{kind}"
    with started("slow", "classify", str(file), "-o", str(out), "--workers", workers) as process:
        wait_for((tmp_path / f".out.{kind}.part.json").exists, process)
        time.sleep(random.random() * 0.4)
        process.kill()
        process.wait()
        until(lambda: not living(process.pid), 20)
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
        wait_for((tmp_path / ".out.jsonl.part.json").exists, process)
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
        wait_for((tmp_path / ".out.jsonl.part.json").exists, process)
        began = time.monotonic()
        os.killpg(process.pid, signal.SIGINT)
        _, told = process.communicate(timeout=60)
        # The exit code says that it was interrupted; this, that it did not hang before that.
        assert time.monotonic() - began < 30
        until(lambda: not living(process.pid), 20)
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
