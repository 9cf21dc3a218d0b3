"""Processes that end, get stuck or cannot start: no row is lost or doubled, and none hangs."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli import loaders
from tests.cli.conftest import Run, decisions, texts, write_rows
from tests.serving.process import ROOT
from triage.cli.engine import Load
from triage.cli.loading import Loader, Task
from triage.cli.pool import Pool, WorkerError
from triage.errors import BundleError
from triage.io import Chunk, InputRow, chunks, json_lines
from triage.types import Message


def task(load: Loader) -> Task:
    return Task(load, None, None, explain=False)


def rows(messages: list[str]) -> list[InputRow]:
    return [
        InputRow(number, str(number), Message(id=str(number), text=text))
        for number, text in enumerate(messages)
    ]


def cut(messages: list[str], size: int = 8) -> Iterator[Chunk]:
    return chunks(rows(messages), size=size, characters=10_000)


def results(pool: Pool, messages: list[str]) -> list[bytes]:
    return b"".join(decided.encoded for decided in pool.run(cut(messages))).splitlines()


@pytest.fixture
def mark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    mark = tmp_path / "mark"
    monkeypatch.setenv(loaders.MARK, str(mark))
    return mark


def test_a_chunk_whose_process_was_killed_is_done_again(mark: Path) -> None:
    messages = [f"第{n}条{'受伤' if n == 43 else ''}" for n in range(100)]
    with Pool(task(loaders.deadly), json_lines, 2) as pool:
        assert results(pool, messages) == decisions(messages)
    assert mark.exists()


def test_a_row_that_ends_every_process_gets_an_error_of_its_own() -> None:
    messages = [f"第{n}条{'有人死' if n in (21, 22, 60) else ''}" for n in range(100)]
    with Pool(task(loaders.deadly), json_lines, 2) as pool:
        made = results(pool, messages)
    for number, (line, wanted) in enumerate(zip(made, decisions(messages), strict=True)):
        if number in (21, 22, 60):
            record = json.loads(line)
            assert (record["id"], record["error"]["code"]) == (str(number), "internal_error")
            assert "3 processes ended" in record["error"]["detail"]
        else:
            assert line == wanted


def test_processes_that_end_at_every_row_stop_the_run() -> None:
    with (
        Pool(task(loaders.deadly), json_lines, 2) as pool,
        pytest.raises(WorkerError, match="--workers"),
    ):
        results(pool, ["死"] * 100)


def test_a_stuck_process_is_replaced(mark: Path) -> None:
    messages = [f"第{n}条{'停' if n == 30 else ''}" for n in range(60)]
    with Pool(task(loaders.slow), json_lines, 2, stuck_seconds=1.0) as pool:
        assert results(pool, messages) == decisions(messages)
    assert mark.exists()


def test_what_cannot_be_loaded_is_the_error_of_the_run() -> None:
    with (
        pytest.raises(BundleError, match="a file was altered"),
        Pool(task(loaders.broken), json_lines, 2),
    ):
        pytest.fail("it cannot have been loaded")


def test_processes_that_do_not_start() -> None:
    with (
        pytest.raises(WorkerError, match="exit code 7"),
        Pool(task(loaders.crashing), json_lines, 2),
    ):
        pytest.fail("it cannot have started")


def test_versions_are_never_mixed() -> None:
    with (
        pytest.raises(WorkerError, match="was changed meanwhile"),
        Pool(task(loaders.fickle), json_lines, 2) as pool,
    ):
        results(pool, ["留言"] * 10_000)


@pytest.mark.usefixtures("mark")
def test_few_chunks_are_held() -> None:
    """Also while the first one keeps its process busy."""
    read = written = most = 0

    def counted() -> Iterator[Chunk]:
        nonlocal read
        for chunk in cut(["停", *texts(2_000)], size=1):
            read += 1
            yield chunk

    with Pool(task(loaders.slow), json_lines, 2, stuck_seconds=1.0) as pool:
        for _ in pool.run(counted()):
            most = max(most, read - written)
            written += 1
    assert written == 2_001
    assert most <= 16


def test_few_rows_start_no_process() -> None:
    def processes(count: int, workers: int, *, explain: bool = False) -> int:
        load = Load(rows(["a"] * count), Task(loaders.fake, None, None, explain), workers)
        assert sum(map(len, load.chunks)) == count
        return load.processes

    assert processes(0, 2) == processes(100, 2) == processes(1_000, 1) == 1
    assert processes(128, 2) == processes(100_000, 2) == 2
    assert processes(300, 64) == 4
    assert processes(8, 2, explain=True) == 2


def test_a_few_rows_import_no_multiprocessing(tmp_path: Path) -> None:
    file = write_rows(tmp_path / "in.jsonl", texts(100))
    code = (
        "import sys\nfrom tests.cli import loaders\nfrom triage.cli import main\n"
        f"try:\n    main(['classify', {str(file)!r}, '--workers', '2'], load=loaders.fake)\n"
        "except SystemExit:\n    print('multiprocessing' in sys.modules, file=sys.stderr)\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert ran.stderr.splitlines()[-1] == "False", ran.stderr


def test_an_unexpected_exception_is_one_rows_error(run: Run, tmp_path: Path) -> None:
    messages = [f"第{n}条{'触发故障' if n == 150 else ''}" for n in range(300)]
    file = write_rows(tmp_path / "in.jsonl", messages)
    after = decisions([*texts(151), *messages[151:]])[151:]
    for workers in ("1", "2"):
        ran = run("classify", str(file), "--workers", workers)
        assert ran.code == 1
        assert "触发故障" not in ran.err
        lines = ran.out.splitlines()
        error = json.loads(lines.pop(150))["error"]
        assert (error["code"], "KeyError" in error["detail"]) == ("internal_error", True)
        assert lines == decisions(messages[:150]) + after
