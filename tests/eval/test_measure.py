from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from eval.compare import compare, comparisons, length_band
from eval.data import NOTHING, Truth
from eval.measure import system_figures
from eval.systems import BASELINE, FUSION, MODEL, OTHER, Predictions
from triage.labels import REASONS


def _truth(department: list[int], other: list[int] | None = None) -> Truth:
    gold = np.array(department)
    second = gold if other is None else np.array(other)
    return Truth(
        department=gold,
        other=second,
        urgent=np.zeros(len(gold), dtype=bool),
        reasons=np.zeros((len(gold), len(REASONS)), dtype=bool),
        contested=gold != second,
        contested_urgent=np.zeros(len(gold), dtype=bool),
    )


def _system(choice: list[int], confidence: float = 0.7) -> Predictions:
    given = np.array(choice)
    four = np.full((len(given), 4), (1 - confidence) / 3)
    four[np.arange(len(given)), given.clip(0)] = confidence
    return Predictions(four, given, np.zeros(len(given)), np.zeros(len(given), dtype=bool))


def test_contested_messages_count_in_lenient_figures_only() -> None:
    truth = _truth([0, 1, 2, 3, 0], [0, 1, 2, 3, 1])
    figures = system_figures("x", "X", truth, _system([0, 1, 2, 3, 1])).departments
    assert (figures.messages, figures.accuracy, figures.macro_f1.value) == (4, 1.0, 1.0)
    assert (figures.lenient_accuracy, figures.lenient_macro_f1) == (1.0, 1.0)
    wrong = system_figures("x", "X", truth, _system([0, 1, 2, 3, 2])).departments
    assert (wrong.accuracy, wrong.lenient_accuracy) == (1.0, 0.8)


def test_no_answer_is_wrong_and_lowers_coverage_but_not_calibration() -> None:
    figures = system_figures("x", "X", _truth([0, 1, 2, 3]), _system([0, 1, 2, -1]))
    assert figures.departments.accuracy == 0.75
    assert figures.departments.coverage == 0.75
    assert figures.departments.confusion[3] == [0, 0, 0, 0, 1]
    assert figures.departments.macro_f1.value == 0.75
    assert figures.calibration.ece == pytest.approx(0.3)
    assert figures.curve.coverage[0] == 0.75


def test_a_message_with_nothing_to_handle_that_goes_out_is_wrong() -> None:
    everything = np.ones(5, dtype=bool)
    system = replace(_system([0, 1, 2, 3, 0]), routed=everything, nothing=~everything)
    figures = system_figures("x", "X", _truth([0, 1, 2, 3, NOTHING]), system)
    assert figures.departments.messages == 4
    assert figures.routed is not None
    assert (figures.routed.coverage, figures.routed.accuracy.value) == (1.0, 0.8)
    assert figures.nothing is not None
    assert (figures.nothing.support, figures.nothing.recall) == (1, 0.0)


def test_nothing_routed_has_no_accuracy() -> None:
    system = replace(_system([0, 1, 2, 3]), routed=np.zeros(4, dtype=bool))
    routed = system_figures("x", "X", _truth([0, 1, 2, 3]), system).routed
    assert routed is not None
    assert routed.coverage == 0.0
    assert routed.accuracy.value is None


def test_urgency_by_reason_and_contested_urgency() -> None:
    reasons = np.zeros((4, len(REASONS)), dtype=bool)
    reasons[0, 0] = reasons[1, 0] = reasons[1, 3] = reasons[2, 3] = True
    truth = replace(
        _truth([0, 1, 2, 3]),
        urgent=np.array([True, True, True, False]),
        reasons=reasons,
        contested_urgent=np.array([False, False, True, False]),
    )
    named = np.zeros((4, len(REASONS)), dtype=bool)
    named[0, 3] = named[1, 3] = True
    flag = np.array([True, True, False, False])
    system = replace(_system([0, 1, 2, 3]), urgent=flag, urgent_score=flag * 1.0, reasons=named)
    urgent = system_figures("x", "X", truth, system).urgent
    assert (urgent.messages, urgent.flag.support, urgent.flag.recall) == (3, 2, 1.0)
    assert urgent.lenient_flag.recall == 1.0
    assert urgent.average_precision == 1.0
    safety, deadline = (urgent.reasons[REASONS[i].value] for i in (0, 3))
    assert (safety.support, safety.flagged, safety.named) == (2, 1.0, 0.0)
    assert (deadline.support, deadline.flagged, deadline.named) == (1, 1.0, 1.0)


def test_comparison_counts_who_is_right() -> None:
    truth = _truth([0, 1, 2, 3] * 5)
    right, first = _system([0, 1, 2, 3] * 5), _system([0] * 20)
    systems = {"right": right, "too": right, "first": first}
    same = compare(truth, systems, "right", "too")
    assert (same.gain.value, same.gain.low, same.gain.high, same.p) == (0.0, 0.0, 0.0, 1.0)
    better = compare(truth, systems, "right", "first")
    assert (better.system, better.other) == ("right", "first")
    assert (better.better, better.worse) == (15, 0)
    assert better.gain.value == pytest.approx(0.9)
    assert better.gain.low > 0
    assert better.p == pytest.approx(2 / 2**15)


def test_the_model_alone_is_compared_with_the_baseline_too() -> None:
    truth = _truth([0, 1, 2, 3] * 5)
    systems = {
        MODEL: _system([0, 1, 2, 3] * 5),
        FUSION: _system([0, 1, 2, 0] * 5),
        OTHER: _system([0, 1, 2, 3] * 5),
        BASELINE: _system([0] * 20),
    }
    made = {(c.system, c.other): c for c in comparisons(truth, systems)}
    assert list(made) == [
        (FUSION, MODEL), (FUSION, OTHER), (FUSION, BASELINE), (MODEL, BASELINE),
    ]  # fmt: skip
    assert (made[FUSION, OTHER].better, made[FUSION, OTHER].worse) == (0, 5)
    assert made[FUSION, OTHER].p == pytest.approx(2 / 2**5)
    assert (made[MODEL, BASELINE].better, made[MODEL, BASELINE].worse) == (15, 0)
    assert len(comparisons(truth, {FUSION: systems[FUSION], BASELINE: systems[BASELINE]})) == 1


def test_sets_hold_the_right_department_or_not() -> None:
    given = np.array([[1, 0, 0, 0], [1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 0, 1], [1, 1, 1, 1]], bool)
    truth = _truth([0, 1, 2, 3, 0], [0, 1, 2, 3, 1])
    figures = system_figures("x", "X", truth, replace(_system([0, 1, 2, 3, 0]), sets=given)).sets
    assert figures is not None
    assert figures.messages == 4
    assert figures.coverage.value == 0.75
    assert 0 <= figures.coverage.low <= 0.75 <= figures.coverage.high <= 1
    assert (figures.mean_size, figures.singletons) == (1.5, 0.5)
    assert system_figures("x", "X", truth, _system([0, 1, 2, 3, 0])).sets is None


@pytest.mark.parametrize(
    ("length", "band"),
    [(1, "1–50"), (50, "1–50"), (51, "51–100"), (800, "401–800"), (801, "> 800")],
)
def test_length_bands(length: int, band: str) -> None:
    assert length_band(length) == band
