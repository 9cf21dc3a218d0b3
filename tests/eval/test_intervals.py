from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest

from eval.intervals import interval, mcnemar, resampled_macro_f1, resamples
from eval.metrics import confusion, macro_f1


def test_resamples_are_the_same_for_the_same_seed() -> None:
    assert (resamples(7, seed=3) == resamples(7, seed=3)).all()
    assert (resamples(7, seed=3) != resamples(7, seed=4)).any()
    assert resamples(7, times=11).shape == (11, 7)


def test_resampled_macro_f1_is_that_of_each_resample() -> None:
    rng = np.random.default_rng(5)
    truth, choice = rng.integers(0, 4, 40), rng.integers(-1, 4, 40)
    samples = resamples(40, times=20, seed=1)
    found = resampled_macro_f1(truth, choice, 4, samples)
    expected = [macro_f1(confusion(truth[at], choice[at], 4)) for at in samples]
    assert found == pytest.approx(expected)


def test_interval_holds_the_middle_of_the_resamples() -> None:
    found = interval(0.5, np.linspace(0, 1, 1001))
    assert (found.low, found.value, found.high) == pytest.approx((0.025, 0.5, 0.975))


def test_mcnemar_by_hand() -> None:
    ours = np.array([True] * 9 + [False] * 1 + [True] * 5)
    other = np.array([False] * 9 + [True] * 1 + [True] * 5)
    # Ten disagreements, one of them against us: p = 2 · (1 + 10) / 2**10.
    assert mcnemar(ours, other) == (9, 1, pytest.approx(22 / 1024))
    assert mcnemar(ours, ours) == (0, 0, 1.0)


@pytest.mark.parametrize(
    ("first", "second"), [(0, 0), (1, 0), (3, 4), (12, 30), (40, 12), (900, 700)]
)
def test_mcnemar_is_the_exact_binomial_test(first: int, second: int) -> None:
    ours = np.repeat([True, False], [first, second])
    p = mcnemar(ours, ~ours)[2]
    expected = binomtest(first, first + second).pvalue if first + second else 1.0
    assert p == pytest.approx(expected, rel=1e-9)
