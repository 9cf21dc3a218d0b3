"""From the answers of an overload to its figures and its report."""

from __future__ import annotations

import math
from xml.etree import ElementTree

import pytest

from eval.bench.driver import Answer
from eval.bench.overload_figures import (
    Capacity,
    FloodFigures,
    OverloadFigures,
    OverloadResults,
    Sample,
    analyse,
    by_second,
    growth,
)
from eval.bench.overload_report import charts, report

CAPACITY = Capacity(connections=32, rate=10.0, p99_ms=300.0, load_cpu_share=0.0)
FLOOD = FloodFigures(
    rate=5.0, idle_answered=100, idle_p50_ms=10.0, idle_p99_ms=20.0, flooded_answered=99,
    flooded_not_answered=1, flooded_p50_ms=11.0, flooded_p99_ms=28.0, batch_messages_per_s=8.0,
    batches_refused=40,
)  # fmt: skip


def _sample(second: float, workers: float, cpu: float = 0.0) -> Sample:
    return Sample(
        second=second, front_mib=60.0, workers_mib=workers, front_cpu_s=cpu, workers_cpu_s=2 * cpu
    )


def _answers() -> list[Answer]:
    accepted = [Answer(n / 10, n / 10, n / 10 + 0.5, 200, False) for n in range(100)]
    refused = [Answer(n / 10, n / 10 + 0.001, n / 10 + 0.011, 503, True) for n in range(98)]
    slow = [Answer(1.0, 1.0, 1.2, 429, True), Answer(1.0, 1.0, 1.2, 503, False)]
    return accepted + refused + slow + [Answer(2, 2, 3, 504, False), Answer(2, 2, 3, 0, False)]


def _analysed(load_cpu_s: float = 0.0) -> OverloadFigures:
    samples = [_sample(float(n), 300.0, 0.5 * n) for n in range(8)]
    return analyse(_answers(), 8, 10.0, load_cpu_s, CAPACITY, samples, 2)


def test_overload_counts_what_was_answered_in_time() -> None:
    figures = _analysed()
    # Five of the hundred accepted came after the ten seconds.
    assert figures.goodput == pytest.approx(9.5)
    assert figures.goodput_share == figures.fair_goodput_share
    assert figures.offered == pytest.approx(21.0)
    assert figures.factor == pytest.approx(2.1)
    assert figures.accepted_p99_ms == pytest.approx(500)
    assert figures.refused == 100
    assert figures.refusal_p50_ms == pytest.approx(10)
    assert figures.refusal_p99_ms == pytest.approx(200)
    assert figures.refusals_prompt_share == pytest.approx(0.98)
    assert figures.refusals_without_retry_after == 1
    assert figures.other == {"504": 1, "broken": 1}
    assert figures.unsent == 8
    assert figures.lag_p99_ms == pytest.approx(1.0)
    assert figures.front_cpu_share == pytest.approx(0.5)
    assert figures.workers_cpu_share == pytest.approx(1.0)
    assert sum(figures.good_by_second) == round(10 * figures.goodput)


def test_goodput_of_what_the_load_generator_leaves() -> None:
    figures = _analysed(load_cpu_s=2.0)  # a fifth of one core, a tenth of two
    assert figures.fair_goodput_share == pytest.approx(figures.goodput_share / 0.9)


def test_overload_without_refusals_or_samples() -> None:
    figures = analyse([Answer(0, 0, 0.5, 200, False)], 0, 2.0, 0.0, CAPACITY, [], 2)
    assert figures.refusals_prompt_share is None
    assert figures.refusal_p99_ms is None
    assert math.isnan(figures.front_cpu_share)
    assert figures.growth_mib is None
    assert figures.good_by_second == (1, 0)
    assert by_second([], 3.9) == (0, 0, 0)


def test_growth_leaves_out_the_warming_up() -> None:
    flat = [_sample(n, 100.0 + 50 * min(n, 5)) for n in range(40)]
    assert growth(flat) == 0.0
    rising = [_sample(n, 100.0 + n) for n in range(40)]
    assert growth(rising) == 20.0
    assert math.isnan(growth(flat[:3]))


def test_report_says_what_is_met_and_what_is_not() -> None:
    results = OverloadResults(
        cores=2, load=0.1, bundle="b@1", capacity=CAPACITY, overload=_analysed(2.0),
        recovered_rate=10.0, flood=FLOOD,
    )  # fmt: skip
    text = report(results)
    assert "| p99 of accepted, ms | 500 | ≤ 1000 | yes |" in text
    assert "| p99 of refusals, ms | 200.0 | ≤ 50 | **no** |" in text
    assert "1 × 504, 1 × broken | none | **no** |" in text
    assert "| single requests' p99, flooded over idle | 1.40× | ≤ 1.5× | yes |" in text
    drawn = charts(results)
    assert set(drawn) == {"overload.svg", "overload-memory.svg"}
    for each in drawn.values():
        ElementTree.fromstring(each)
    assert OverloadResults.model_validate_json(results.model_dump_json()) == results


def test_flood_without_answers_has_no_ratio() -> None:
    assert math.isnan(FLOOD.model_copy(update={"flooded_p99_ms": None}).ratio)
    assert math.isnan(FLOOD.model_copy(update={"idle_p99_ms": 0.0}).ratio)
