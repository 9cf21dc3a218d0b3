"""Size, time and memory: the budget, the messages of a length, and a real process."""

from __future__ import annotations

from pathlib import Path

import pytest

from eval.budget import BUNDLE_MB, MESSAGE_MS, RESIDENT_MB, budget, bundle_files
from eval.costs import RuntimeFigures, TimeFigures, time_figures
from eval.data import Labelled, read_labelled
from eval.probe import ROUNDS
from eval.runtime import RuntimeFailedError, measure_runtime
from eval.window import nearest
from tests.eval.fakes import RUNTIME, rows, write_rows
from triage.bundle import default_path


def _runtime(resident: float | None, median: float, cpu: float) -> RuntimeFigures:
    times = TimeFigures(median_ms=median, p90_ms=20.0, cpu_median_ms=cpu, cpu_p90_ms=20.0)
    window = RUNTIME.window.model_copy(update={"message": times})
    return RUNTIME.model_copy(update={"resident_mib": resident, "window": window})


def test_limits_are_the_most_that_is_allowed() -> None:
    files = {"a": 15_000_000, "b": 1_000_000}
    kept = budget(files, _runtime(143.0, MESSAGE_MS, MESSAGE_MS + 0.1))
    assert [f.within for f in kept] == [True, True, True, False]
    assert kept[0].value == kept[0].limit == BUNDLE_MB
    # 150 MB are 143.05 MiB: a limit in MB is the stricter one.
    assert kept[1].value == pytest.approx(149.95, abs=0.01)
    assert kept[1].limit == RESIDENT_MB
    over = budget({**files, "c": 1}, _runtime(143.1, MESSAGE_MS + 0.1, MESSAGE_MS))
    assert [f.within for f in over] == [False, False, False, True]


def test_what_was_not_measured_is_not_judged() -> None:
    assert len(budget({"a": 1}, None)) == 1
    names = [f.name for f in budget({"a": 1}, _runtime(None, 1.0, 1.0))]
    assert len(names) == 3
    assert "resident memory" not in names


def test_files_of_a_bundle_by_size(tmp_path: Path) -> None:
    for name, size in (("b", 10), ("a", 10), ("big", 30)):
        (tmp_path / name).write_bytes(b"x" * size)
    (tmp_path / "folder").mkdir()
    assert list(bundle_files(tmp_path).items()) == [("big", 30), ("a", 10), ("b", 10)]


def test_times_in_milliseconds() -> None:
    times = time_figures([0.001 * n for n in range(1, 12)], [0.002] * 11)
    assert times.median_ms == pytest.approx(6.0)
    assert times.p90_ms == pytest.approx(10.0)
    assert (times.cpu_median_ms, times.cpu_p90_ms) == (2.0, 2.0)


def _record(name: str, length: int, title: str | None = None) -> Labelled:
    text = "".join(chr(0x4E00 + (7 * n) % 3_000) for n in range(length))
    return Labelled(id=name, title=title, text=text, department="civil", urgent=False)


def test_messages_nearest_to_a_length_in_tokens() -> None:
    bundle = default_path()
    records = [_record(f"m{n}", n) for n in (10, 400, 60, 30, 90, 5)]
    everything = nearest(records, bundle, 60)
    assert {r.id for r in everything.records} == {r.id for r in records}
    gaps = [abs(tokens - 60) for tokens in everything.tokens]
    assert gaps == sorted(gaps)
    three = nearest(records, bundle, 60, count=3)
    assert three.records == everything.records[:3]
    assert three.tokens == everything.tokens[:3]
    # The window holds the title and one more mark.
    bare = nearest([_record("a", 30)], bundle, 60).tokens[0]
    titled = nearest([_record("a", 30, title="欠款")], bundle, 60).tokens[0]
    assert titled >= bare + 2


def test_a_fresh_process_is_measured(tmp_path: Path) -> None:
    records = read_labelled(write_rows(tmp_path / "dev.jsonl", rows(1)))
    steps: list[int] = []
    figures = measure_runtime(records, default_path(), lambda: steps.append(1), starts=1)
    assert len(steps) == len(figures.cold_start_s) == 1
    assert figures.messages == figures.window.messages == 4
    assert figures.window.rounds == ROUNDS
    assert figures.window.shortest <= figures.window.longest
    for times in (figures.window.message, figures.window.encoder):
        assert 0 < times.median_ms <= times.p90_ms
        assert 0 < times.cpu_median_ms <= times.cpu_p90_ms
    assert figures.resident_mib is None or figures.resident_mib > 10


def test_a_process_that_fails_is_told(tmp_path: Path) -> None:
    for name in ("tokenizer.json", "manifest.json"):
        (tmp_path / name).write_bytes((default_path() / name).read_bytes())
    records = read_labelled(write_rows(tmp_path / "dev.jsonl", rows(1)))
    with pytest.raises(RuntimeFailedError, match="gave no answer"):
        measure_runtime(records, tmp_path, starts=1)
