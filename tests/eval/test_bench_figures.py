"""The benchmark's pure parts: messages, order, figures, tables, charts."""

from __future__ import annotations

import json
import math
from pathlib import Path
from statistics import median
from xml.etree import ElementTree

import pytest

from eval.bench import wrk
from eval.bench.bulk import PIPELINE, TRIAGE
from eval.bench.contestants import KEYS
from eval.bench.driver import Answer
from eval.bench.figures import (
    LOOP,
    BulkTurn,
    Level,
    Machine,
    PeakFigures,
    ProcessMemory,
    Results,
    Turn,
    percentile,
    rates,
    ratio,
)
from eval.bench.load import Report, Sent
from eval.bench.plan import chosen, interleaved
from eval.bench.plots import Series, bars, ceiling, lines
from eval.bench.run import level_of
from eval.bench.store import charts, opened
from eval.bench.tables import report
from eval.bench.texts import compose, composed, length, read_texts
from triage.bundle import default_path


def _level(connections: int, rate: float, p99: float = 10.0, **more: int) -> Level:
    figures = {"refused": 0, "failed": 0} | more
    return Level(
        connections=connections, seconds=2.0, answered=round(2 * rate), p50_ms=p99 / 2, p99_ms=p99,
        load_cpu_s=0.1, server_cpu_s=1.0, **figures,
    )  # fmt: skip


def _turn(contestant: str, repeat: int, *levels: Level, load: float = 0.1) -> Turn:
    return Turn(
        contestant=contestant, repeat=repeat, began="2026-01-01T00:00:00+00:00", load=load,
        cold_start_s=0.5, levels=list(levels),
        memory=[ProcessMemory(name="x", resident_mib=150.0, proportional_mib=None)],
    )  # fmt: skip


def _bulk(contestant: str, repeat: int, rows: int) -> BulkTurn:
    return BulkTurn(
        contestant=contestant, repeat=repeat, load=0.1, rows=rows, seconds=1.0, start_s=0.9
    )


PEAK = PeakFigures(
    int8_gops=100.0, fp32_gops=50.0, tokens=160, encoder_gop=0.5, int8_share=0.5, fp32_share=0.5,
    encoder_ms=10.0, bound_ms=7.5,
)  # fmt: skip


def _results(*turns: Turn, **more: object) -> Results:
    machine = Machine(
        cores=2, processor="any", python="3.11", load_generator="wrk", versions={"torch": "2"}
    )
    empty = Results(
        machine=machine, bundle="b@1", texts="two", median_characters=110.0, p90_characters=400.0
    )
    return empty.model_copy(update={"turns": turns, **more})


def test_messages_are_as_long_as_they_should_be() -> None:
    texts = composed()
    assert texts == composed()
    # The shortest may say the same twice, as people do.
    assert len(set(texts)) >= len(texts) - 3
    lengths = [len(text) for text in texts]
    assert median(lengths) == pytest.approx(110, rel=0.03)
    assert percentile(lengths, 0.9) == pytest.approx(400, rel=0.05)
    assert compose(7) == texts[7]
    # Within half of the longest clause.
    assert all(abs(len(text) - length(n)) <= 20 for n, text in enumerate(texts))


def test_every_run_of_messages_has_the_same_mix_of_lengths() -> None:
    lengths = [min(len(text), 400) for text in composed()]
    whole = sum(lengths) / len(lengths)
    for first in range(0, 440, 40):
        assert sum(lengths[first : first + 40]) / 40 == pytest.approx(whole, rel=0.1)


def test_messages_of_a_file_keep_their_texts(tmp_path: Path) -> None:
    file = tmp_path / "m.jsonl"
    texts = ["字" * n for n in range(1, 30)]
    file.write_text("\n".join(json.dumps({"text": text, "id": "x"}) for text in texts) + "\n\n")
    read = read_texts(file)
    assert sorted(read, key=len) == texts
    assert read != texts


@pytest.mark.parametrize("line", ["", '{"title": "x"}', "[]", '{"text": 3}', "no json"])
def test_a_file_without_texts_is_refused(tmp_path: Path, line: str) -> None:
    file = tmp_path / "m.jsonl"
    file.write_text(line)
    with pytest.raises(ValueError, match=r"."):
        read_texts(file)


def test_each_repeat_begins_with_another_contestant() -> None:
    steps = interleaved("abc", 3)
    assert [step.contestant for step in steps] == list("abcbcacab")
    assert [step.repeat for step in steps] == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert interleaved("", 2) == []


def test_only_some_are_measured() -> None:
    assert chosen(KEYS, None) == list(KEYS)
    assert chosen(KEYS, " f, a ,") == ["a", "f"]
    with pytest.raises(ValueError, match="unknown: g, x; there are a"):
        chosen(KEYS, "x,a,g")


def test_percentiles_are_observed_values() -> None:
    values = [float(n) for n in range(1, 101)]
    assert percentile(values, 0.5) == 50.0
    assert percentile(values, 0.99) == 99.0
    assert percentile([3.0, 9.0], 0.99) == 9.0
    assert math.isnan(percentile([], 0.5))


def test_ratio_is_the_median_of_the_repeats_that_both_have() -> None:
    assert ratio({0: 10.0, 1: 40.0, 2: 30.0}, {0: 5.0, 1: 10.0, 2: 10.0}) == 3.0
    assert ratio({0: 10.0, 1: 99.0}, {0: 5.0}) == 2.0
    assert ratio({0: 10.0}, {1: 5.0}) is None
    assert ratio({0: 10.0}, {0: 0.0}) is None


def test_figures_of_a_level() -> None:
    level = _level(8, 50.0)
    assert level.rate == 50.0
    assert level.cpu_ms == pytest.approx(10.0)
    assert _level(8, 0.0).cpu_ms is None
    assert rates(_results(_turn("f", 0, level), _turn("f", 1)), "f", 8) == {0: 50.0}
    assert PEAK.of_int8_peak == pytest.approx(0.5)
    assert PEAK.of_bound == pytest.approx(0.75)


def test_what_wrk_tells() -> None:
    told = '{"us":2000000,"all":110,"refused":6,"failed":3,"broken":1,"p50":1500,"p99":9000}'
    level = wrk.read(f"Running 2s test\n\n{told}\n", 8, 0.25)
    assert (level.answered, level.refused, level.failed) == (101, 6, 4)
    assert (level.seconds, level.p50_ms, level.p99_ms, level.load_cpu_s) == (2.0, 1.5, 9.0, 0.25)
    with pytest.raises(ValueError, match=r"."):
        wrk.read("no figures", 1, 0.0)


def test_what_the_own_generator_tells() -> None:
    answers = [Answer(0.0, 0.0, 0.1 * n, 200, False) for n in range(1, 11)]
    answers += [Answer(0, 0, 0.5, 503, True), Answer(0, 0, 0.5, 500, False),
                Answer(0, 0, 0.5, 0, False), Answer(0, 0, 9.0, 200, False)]  # fmt: skip
    sent = Report(streams={"level": Sent(answers=answers, unsent=0)}, cpu_s=0.5)
    level = level_of(sent, 4, 2.0)
    assert (level.answered, level.refused, level.failed) == (10, 1, 2)
    assert level.p50_ms == pytest.approx(500)
    assert level.p99_ms == pytest.approx(1_000)


def test_tables_say_medians_ratios_and_what_went_wrong() -> None:
    turns = [_turn("a", n, _level(8, 10.0 + n, 40.0)) for n in range(3)]
    turns += [_turn("e", n, _level(LOOP, 100.0)) for n in range(3)]
    turns += [_turn("f", n, _level(8, 90.0, refused=2, failed=1)) for n in range(3)]
    text = report(_results(*turns, bulk=(_bulk(TRIAGE, 0, 260), _bulk(PIPELINE, 0, 20)), peak=PEAK))
    assert "| (a) FastAPI + transformers.pipeline | 11.0 |" in text
    assert "| (a) FastAPI + transformers.pipeline | 8.18× | 0.25× |" in text
    assert "| (e) the bare engine in a loop, no HTTP | 0.90× | – |" in text
    assert "(f) refused 2 requests at 8 connections" in text
    assert "3 requests failed" in text
    assert "13.00×" in text
    assert "50% of the int8 peak" in text
    assert "Other work" not in text
    assert "(b)" not in text
    busy = report(_results(_turn("f", 0, _level(8, 9.0), load=7.0)))
    assert "do not quote these figures" in busy


def test_tables_of_nothing() -> None:
    assert "110 characters" in report(_results())
    assert charts(_results()) == {}


def test_charts_are_well_formed() -> None:
    drawn = charts(_results(_turn("e", 0, _level(LOOP, 9.0)), _turn("f", 0, _level(1, 8.0))))
    assert set(drawn) == {"throughput.svg", "latency.svg"}
    for each in drawn.values():
        ElementTree.fromstring(each)
    gaps = [Series("a<b", [1.0, None, 300.0]), Series("c", [None, None, None])]
    for each in (
        bars("t & u", "y", ["1", "2", "3"], gaps, log=True),
        bars("t", "y", [], []),
        lines("t", "y", "s", gaps),
        lines("t", "y", "s", []),
    ):
        root = ElementTree.fromstring(each)
        _, _, width, height = map(float, root.attrib["viewBox"].split())
        for box in root.iter("{http://www.w3.org/2000/svg}rect"):
            if "x" in box.attrib:
                assert 0 <= float(box.attrib["x"]) <= width
                assert 0 <= float(box.attrib["y"]) <= height
                assert float(box.attrib["height"]) >= 0


@pytest.mark.parametrize(
    ("value", "expected"), [(0, 1), (0.9, 1), (1, 1), (1.1, 2), (49, 50), (51, 100), (400, 500)]
)
def test_ceiling(value: float, expected: float) -> None:
    assert ceiling(value) == pytest.approx(expected)


def test_results_survive_an_interruption_and_a_part_measured_anew(tmp_path: Path) -> None:
    def again() -> tuple[str, ...]:
        store = opened(tmp_path, default_path(), ["一", "二二"], None, use_wrk=True)
        return tuple(f"{turn.contestant}{turn.repeat}" for turn in store.results.turns)

    store = opened(tmp_path, default_path(), ["一", "二二"], None, use_wrk=True)
    store.add(_turn("a", 0, _level(8, 10.0)))
    store.add(_turn("f", 0, _level(8, 10.0)))
    store.add_bulk(_bulk(TRIAGE, 0, 9))
    store.set_peak(PEAK)
    assert again() == ("a0", "f0")
    store.forget(["f"])
    assert (again(), store.results.peak, len(store.results.bulk)) == (("a0",), PEAK, 1)
    store.forget(["bulk", "peak"])
    assert (store.results.peak, store.results.bulk) == (None, ())
    assert store.publish() == (tmp_path / "bench.md").read_text()
    assert (tmp_path / "latency.svg").exists()
    (tmp_path / "bench.json").write_text("{}")
    assert again() == ()
