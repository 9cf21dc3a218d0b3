from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference

from eval.metrics import (
    average_precision,
    binary_scores,
    class_scores,
    confusion,
    coverage_at_risk,
    macro_f1,
    precision_at_recall,
    reliability,
    risk_coverage,
)

TRUTH = np.array([0, 0, 0, 1, 1, 2])
CHOICE = np.array([0, 0, 1, 1, -1, 2])


def test_confusion_has_a_column_for_no_answer() -> None:
    counts = confusion(TRUTH, CHOICE, 3)
    assert counts.tolist() == [[2, 1, 0, 0], [0, 1, 0, 1], [0, 0, 1, 0]]


def test_class_scores_by_hand() -> None:
    precision, recall, f1 = class_scores(confusion(TRUTH, CHOICE, 3))
    assert precision.tolist() == [1.0, 0.5, 1.0]
    assert recall == pytest.approx([2 / 3, 1 / 2, 1.0])
    assert f1 == pytest.approx([4 / 5, 1 / 2, 1.0])
    assert macro_f1(confusion(TRUTH, CHOICE, 3)) == pytest.approx(2.3 / 3)


def test_class_never_seen_and_never_chosen_scores_zero() -> None:
    precision, recall, f1 = class_scores(confusion(np.array([0]), np.array([0]), 2))
    assert (precision[1], recall[1], f1[1]) == (0.0, 0.0, 0.0)


def test_binary_scores_by_hand() -> None:
    truth = np.array([True, True, True, False])
    found = binary_scores(truth, np.array([True, False, False, True]))
    assert (found.precision, found.recall, found.support) == (1 / 2, 1 / 3, 3)
    assert found.f1 == pytest.approx(2 / 5)
    nothing = binary_scores(np.zeros(2, dtype=bool), np.zeros(2, dtype=bool))
    assert (nothing.precision, nothing.recall, nothing.f1) == (0.0, 0.0, 0.0)


def test_average_precision_by_hand() -> None:
    truth = np.array([True, False, True, False])
    assert average_precision(truth, np.array([0.9, 0.8, 0.7, 0.1])) == pytest.approx(5 / 6)
    # All equal: one step, whose precision is the share of positives.
    assert average_precision(truth, np.ones(4)) == 0.5
    assert np.isnan(average_precision(np.zeros(4, dtype=bool), np.ones(4)))


def test_precision_at_recall_by_hand() -> None:
    truth = np.array([True, False, True, False])
    scores = np.array([0.9, 0.8, 0.7, 0.1])
    assert precision_at_recall(truth, scores, 0.5) == 1.0
    assert precision_at_recall(truth, scores, 0.9) == pytest.approx(2 / 3)


def test_reliability_by_hand() -> None:
    confidence = np.array([0.9, 0.5, 0.7, 0.6])
    table = reliability(confidence, np.array([True, False, True, False]), bins=2)
    assert table.count.tolist() == [2, 2]
    assert table.confidence == pytest.approx([0.55, 0.8])
    assert table.accuracy.tolist() == [0.0, 1.0]
    assert table.error == pytest.approx((0.55 + 0.2) / 2)


def test_reliability_with_fewer_answers_than_bins() -> None:
    assert reliability(np.array([0.8]), np.array([True])).error == pytest.approx(0.2)
    assert np.isnan(reliability(np.zeros(0), np.zeros(0, dtype=bool)).error)


def test_risk_coverage_by_hand() -> None:
    confidence = np.array([0.9, 0.8, 0.8, 0.4])
    right = np.array([True, True, False, False])
    coverage, risk = risk_coverage(confidence, right)
    assert coverage.tolist() == [0.25, 0.75, 1.0]
    assert risk == pytest.approx([0.0, 1 / 3, 0.5])
    assert coverage_at_risk(confidence, right, 0.05) == 0.25
    assert coverage_at_risk(confidence, ~right, 0.05) == 0.0
    assert len(risk_coverage(np.zeros(0), np.zeros(0, dtype=bool))[0]) == 0


@pytest.mark.parametrize("seed", range(20))
def test_class_scores_are_those_of_scikit_learn(seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth, choice = rng.integers(0, 4, (2, rng.integers(1, 60)))
    found = class_scores(confusion(truth, choice, 4))
    expected = reference.precision_recall_fscore_support(
        truth, choice, labels=range(4), zero_division=0
    )
    for ours, theirs in zip(found, expected[:3], strict=True):
        assert ours == pytest.approx(theirs)


@pytest.mark.parametrize("seed", range(20))
def test_average_precision_is_that_of_scikit_learn(seed: int) -> None:
    rng = np.random.default_rng(seed)
    # Few distinct scores, so that ties are common.
    truth, scores = rng.random(50) < 0.3, rng.integers(0, 10, 50) / 10
    expected = reference.average_precision_score(truth, scores)
    assert average_precision(truth, scores) == pytest.approx(expected)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.floats(0, 1)), min_size=1, max_size=60))
def test_risk_and_reliability_count_every_answer(pairs: list[tuple[bool, float]]) -> None:
    right = np.array([r for r, _ in pairs])
    confidence = np.array([c for _, c in pairs])
    coverage, risk = risk_coverage(confidence, right)
    assert coverage[-1] == 1.0
    assert risk[-1] == pytest.approx(1 - right.mean())
    table = reliability(confidence, right)
    assert table.count.sum() == len(pairs)
    assert table.count.max() - table.count.min() <= 1
    assert 0 <= table.error <= 1
