"""`--engine ray`: folders on a local Ray of two actors."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.cli import loaders
from tests.cli.conftest import Run, started, texts, wait_for, write_rows
from tests.serving.process import ROOT
from triage.cli.bulk_ray import classify_folder
from triage.cli.destination import Destination
from triage.cli.loading import Task
from triage.errors import InputFileError
from triage.io.blocks import BLOCK_ROWS, blocks_of, files_of, open_block

needs_ray = pytest.mark.skipif(
    importlib.util.find_spec("ray") is None, reason="the extra ray is not installed"
)


def words(source: Path, out: Path) -> list[str]:
    return ["classify", str(source), "-o", str(out), "--engine", "ray", "--workers", "2"]


def on_ray(
    loader: str, source: Path, out: Path, *options: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.cli.command", loader, *words(source, out), *options],
        cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, timeout=300,
    )  # fmt: skip


def parts(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.name[0].isdigit())


def actors(session: int) -> list[int]:
    """The processes that classify, of the Ray that the process `session` has started."""
    found = []
    for status in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if status.read_bytes().startswith(b"ray::MapWorker"):
                environment = status.with_name("environ").read_bytes()
                if f"TRIAGE_TEST_RUN={session}".encode() in environment:
                    found.append(int(status.parent.name))
        except OSError:
            pass
    return found


@needs_ray
def test_a_killed_actor_loses_and_doubles_nothing(run: Run, tmp_path: Path) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    files = [
        write_rows(source / "b.jsonl", texts(BLOCK_ROWS + 1_000)),
        write_rows(source / "a.jsonl", texts(1_000)),
    ]
    own = os.getpid()
    with started("slow", *words(source, out), TRIAGE_TEST_RUN=str(own)) as process:
        wait_for(lambda: len(actors(own)) >= 2 and out.exists(), process, 120)
        time.sleep(3)  # they are in the middle of their first blocks
        os.kill(actors(own)[0], signal.SIGKILL)
        _, told = process.communicate(timeout=400)
    assert process.returncode == 1, told
    total = BLOCK_ROWS + 2_000
    assert f"{total:,} messages" in told
    names = ["000000-a.jsonl", "000001-b.jsonl", "000002-b.jsonl"]
    assert [part.name for part in parts(out)] == names
    assert not list(out.glob(".*"))
    whole = b""
    for file in sorted(files):
        run("classify", str(file), "-o", str(tmp_path / "whole.jsonl"))
        whole += (tmp_path / "whole.jsonl").read_bytes()
    assert b"".join(part.read_bytes() for part in parts(out)) == whole
    # The same command has nothing left to do; with a part gone, that one.
    assert f"{total:,} of them done before" in on_ray("slow", source, out).stderr
    parts(out)[2].unlink()
    assert "going on after 3,048 rows" in on_ray("fake", source, out).stderr
    assert b"".join(part.read_bytes() for part in parts(out)) == whole


@needs_ray
def test_parquet_and_what_is_refused(tmp_path: Path) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    messages = texts(BLOCK_ROWS + 500)
    ids = [str(number) for number in range(len(messages))]
    table = pa.table({"编号": ids, "内容": messages})
    pq.write_table(table, source / "x.parquet", row_group_size=700)
    assert on_ray("fake", source, out, "--with-text").returncode == 1
    assert [part.name for part in parts(out)] == ["000000-x.parquet", "000001-x.parquet"]
    rows = [row for part in parts(out) for row in pq.read_table(part).to_pylist()]
    assert [row["id"] for row in rows] == ids
    assert [row["row"] for row in rows] == [int(number) + 1 for number in ids]
    assert [row["text"] for row in rows] == messages
    assert pq.read_table(out).num_rows == len(rows)  # the notes are no parts

    ran = on_ray("fake", source, out)
    assert ran.returncode == 2
    assert "made with other options" in ran.stderr
    ran = on_ray("other", source, out, "--with-text")
    assert "decided by another bundle" in ran.stderr
    pq.write_table(table.slice(1), source / "x.parquet")
    ran = on_ray("fake", source, out, "--with-text")
    assert "another input" in ran.stderr
    (out / "mine.txt").write_text("a note")
    ran = on_ray("fake", source, out, "--restart")
    assert "other files" in ran.stderr
    assert (out / "mine.txt").exists()


@needs_ray
def test_a_row_that_ends_every_actor_stops_the_run(tmp_path: Path) -> None:
    source = write_rows(tmp_path / "in.jsonl", ["好", "死"])
    ran = on_ray("deadly", source, tmp_path / "out")
    assert ran.returncode == 2
    assert "ray_failed: 3 actors ended at 000000-in.jsonl" in ran.stderr
    assert "Deprecat" not in ran.stderr
    assert "死" not in ran.stderr


@needs_ray
def test_ctrl_c_keeps_the_parts_that_are_done(tmp_path: Path) -> None:
    source, out = write_rows(tmp_path / "in.jsonl", texts(5 * BLOCK_ROWS)), tmp_path / "out"
    with started("slow", *words(source, out)) as process:
        wait_for((out / "_triage.done.jsonl").exists, process, 120)
        os.killpg(process.pid, signal.SIGINT)
        _, told = process.communicate(timeout=60)
    assert process.returncode == 130, told
    assert "Traceback" not in told
    assert "parts that are done are kept" in told
    ran = on_ray("fake", source, out)
    assert "going on after" in ran.stderr
    assert len(parts(out)) == 5
    assert sum(len(part.read_bytes().splitlines()) for part in parts(out)) == 5 * BLOCK_ROWS


def test_without_ray_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Run
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    file = write_rows(tmp_path / "in.jsonl", texts(3))
    ran = run("classify", str(file), "-o", str(tmp_path / "out"), "--engine", "ray")
    assert ran.code == 2
    assert "pip install 'estation-triage[ray]'" in ran.err
    assert run("classify", str(file), "--engine", "ray").code == 2


def test_an_input_without_files_is_refused(tmp_path: Path) -> None:
    task = Task(loaders.fake, None, None, explain=False)
    for source in (tmp_path, tmp_path / "none"):
        with pytest.raises(InputFileError, match="no "):
            classify_folder(source, task, Destination(tmp_path / "out"), 2)
    write_rows(tmp_path / "a.jsonl", ["a"])
    (tmp_path / "b.parquet").write_bytes(b"x")
    with pytest.raises(InputFileError, match="several formats"):
        files_of(tmp_path)


@pytest.mark.parametrize("end", ["", "\n"])
def test_blocks_of_lines_are_the_file(tmp_path: Path, end: str) -> None:
    file = tmp_path / "in.jsonl"
    lines = [json.dumps({"text": text}) for text in texts(5_000)]
    lines[100] = "x" * 5_000_000
    lines[200] = ""
    file.write_text("\ufeff" + "\n".join(lines) + end, encoding="utf-8")
    source, blocks = blocks_of(file)
    assert source.bytes == file.stat().st_size
    assert [block.rows for block in blocks] == [101, BLOCK_ROWS, BLOCK_ROWS, 803]
    numbers = []
    for block in blocks:
        with open_block(block) as reader:
            numbers += [row.number for row in reader]
    assert numbers == [number for number in range(1, 5_001) if number != 201]


def test_blocks_of_records_are_the_file(tmp_path: Path) -> None:
    file = tmp_path / "in.parquet"
    ids = [str(number) for number in range(5_000)]
    for group in (1, 999, 100_000):
        if group == 1:
            pq.write_table(pa.table({"id": ids[:50], "text": ids[:50]}), file, row_group_size=1)
        else:
            pq.write_table(pa.table({"id": ids, "text": ids}), file, row_group_size=group)
        read = []
        for block in blocks_of(file)[1]:
            with open_block(block) as reader:
                read += [(row.number, row.id) for row in reader]
        count = 50 if group == 1 else 5_000
        assert read == [(number + 1, str(number)) for number in range(count)]
