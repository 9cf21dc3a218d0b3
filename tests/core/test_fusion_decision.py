"""Fusion and decision, on voices made by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from triage.decision import Thresholds, Verdict, decide
from triage.fusion import FusionWeights, Voices, fuse
from triage.labels import CLASSES, REASONS
from triage.models import LinearOutput, ModelOutput
from triage.rules import RuleOutcome
from triage.types import Department, Reason, ReviewReason

WEIGHTS = FusionWeights(
    model=1.0, linear=0.5, rules=0.5, bias=(0.0, 0.0, 0.0, 0.0, -1.0),
    urgent_model=1.0, urgent_linear=0.0, urgent_rules=2.0, urgent_bias=-3.0,
)  # fmt: skip
THRESHOLDS = Thresholds(
    review=0.6, nothing=0.5, urgent=0.5, reason=0.5, certain_rule=3.0, disagree=2.0
)


def voices(
    classes: tuple[float, ...] = (4.0, 0.0, 0.0, 0.0, 0.0),
    *,
    urgent: float = -3.0,
    reasons: dict[Reason, float] | None = None,
    rules: dict[str, float] | None = None,
    alarms: dict[Reason, float] | None = None,
    override: Department | None = None,
) -> Voices:
    by_reason = [(reasons or {}).get(reason, -4.0) for reason in REASONS]
    return Voices(
        model=ModelOutput(
            np.array(classes, dtype=np.float32), urgent, np.array(by_reason, np.float32), False
        ),
        linear=LinearOutput(np.array(classes, dtype=np.float32), urgent),
        rules=RuleOutcome(
            scores={name: (rules or {}).get(name, 0.0) for name in CLASSES},
            urgency={reason: (alarms or {}).get(reason, 0.0) for reason in REASONS},
            override=override,
            hits=(),
        ),
    )


def verdict(said: Voices, *, damaged: bool = False) -> Verdict:
    return decide(said, fuse(said, WEIGHTS), THRESHOLDS, damaged=damaged)


def test_fusion_is_the_weighted_sum_of_log_probabilities() -> None:
    said = voices((2.0, 1.0, 0.0, 0.0, 0.0), rules={"administrative": 1.0})
    logs = np.array([2.0, 1.0, 0.0, 0.0, 0.0])
    logs -= math.log(np.exp(logs).sum())
    scores = 1.5 * logs + np.array([0.0, 0.5, 0.0, 0.0, -1.0])
    expected = np.exp(scores) / np.exp(scores).sum()
    assert fuse(said, WEIGHTS).classes == pytest.approx(expected)


def test_certainty_of_nothing_leaves_the_departments_finite() -> None:
    said = voices((0.0, 0.0, 0.0, 0.0, 900.0))
    result = verdict(said)
    assert result.probabilities.sum() == pytest.approx(1.0)
    assert ReviewReason.NOTHING_TO_HANDLE in result.review


def test_urgency_is_a_logistic_of_model_and_strongest_rule() -> None:
    said = voices(urgent=0.5, alarms={Reason.DEADLINE: 1.0, Reason.LIVELIHOOD: 0.5})
    assert fuse(said, WEIGHTS).urgent == pytest.approx(1 / (1 + math.exp(-(0.5 + 2.0 - 3.0))))


def test_a_confident_message_needs_no_review() -> None:
    result = verdict(voices())
    assert result.department is Department.CIVIL
    assert result.review == ()
    assert result.reasons == ()
    assert result.probabilities.sum() == pytest.approx(1.0)


def test_a_doubtful_message_goes_to_a_person() -> None:
    result = verdict(voices((0.2, 0.1, 0.0, 0.0, 0.0)))
    assert result.review == (ReviewReason.LOW_CONFIDENCE,)
    assert result.second is Department.ADMINISTRATIVE


def test_damage_goes_to_a_person_however_confident() -> None:
    assert ReviewReason.DAMAGED_TEXT in verdict(voices(), damaged=True).review


@pytest.mark.parametrize("said", [
    voices((0.0, 0.0, 0.0, 0.0, 6.0)), voices(rules={"none": 1.5}),
])  # fmt: skip
def test_nothing_to_handle_by_model_or_rules(said: Voices) -> None:
    assert ReviewReason.NOTHING_TO_HANDLE in verdict(said).review


def test_facts_of_urgency_are_always_a_matter_to_handle() -> None:
    said = voices((0.0, 0.0, 0.0, 0.0, 6.0), alarms={Reason.LIFE_SAFETY: 1.0})
    assert ReviewReason.NOTHING_TO_HANDLE not in verdict(said).review


def test_strong_rules_for_another_department_are_reported() -> None:
    mild = verdict(voices((9.0, 0, 0, 0, 0), rules={"complaints": 1.0}))
    strong = verdict(voices((9.0, 0, 0, 0, 0), rules={"complaints": 2.5}))
    assert ReviewReason.RULES_DISAGREE not in mild.review
    assert ReviewReason.RULES_DISAGREE in strong.review
    assert strong.department is Department.CIVIL


def test_only_an_override_sets_the_department_and_says_so() -> None:
    result = verdict(voices(override=Department.COMPLAINTS))
    assert result.department is Department.COMPLAINTS
    assert result.second is Department.CIVIL
    assert ReviewReason.RULES_DISAGREE in result.review


CLOSE = (2.0, 1.9, 0.0, 1.0, -9.0)


def conformal_set(said: Voices, least: float | None) -> tuple[Department, ...] | None:
    thresholds = THRESHOLDS.model_copy(update={"conformal": least})
    return decide(said, fuse(said, WEIGHTS), thresholds, damaged=False).department_set


def test_without_calibration_there_is_no_set() -> None:
    assert THRESHOLDS.conformal is None
    assert verdict(voices()).department_set is None


@pytest.mark.parametrize(
    ("least", "size"), [(0.0, 4), (0.01, 4), (0.1, 3), (0.3, 2), (0.46, 1), (0.9, 1), (1.0, 1)]
)
def test_the_set_holds_who_is_likely_enough_in_falling_order(least: float, size: int) -> None:
    ranked = (
        Department.CIVIL, Department.ADMINISTRATIVE, Department.COMPLAINTS,
        Department.PUBLIC_INTEREST,
    )  # fmt: skip
    assert conformal_set(voices(CLOSE), least) == ranked[:size]


def test_the_threshold_itself_is_inside() -> None:
    said = voices(CLOSE)
    exactly = float(fuse(said, WEIGHTS).departments[1])
    assert len(conformal_set(said, exactly) or ()) == 2
    assert len(conformal_set(said, np.nextafter(exactly, 1.0)) or ()) == 1


def test_a_department_set_by_a_rule_is_in_the_set_where_its_probability_ranks_it() -> None:
    said = voices(CLOSE, override=Department.PUBLIC_INTEREST)
    chosen = conformal_set(said, 0.3)
    assert chosen == (Department.CIVIL, Department.ADMINISTRATIVE, Department.PUBLIC_INTEREST)


@given(st.lists(st.floats(-8, 8), min_size=5, max_size=5), st.floats(0, 1), st.floats(0, 1))
def test_a_lower_threshold_never_takes_a_department_away(
    classes: list[float], low: float, high: float
) -> None:
    low, high = sorted((low, high))
    said = voices(tuple(classes))
    wide, narrow = conformal_set(said, low) or (), conformal_set(said, high) or ()
    assert verdict(said).department in narrow
    assert set(narrow) <= set(wide)


@pytest.mark.parametrize("least", [-0.1, 1.1, "x"])
def test_a_threshold_that_is_no_probability_is_refused(least: object) -> None:
    with pytest.raises(ValidationError):
        Thresholds(**{**THRESHOLDS.model_dump(), "conformal": least})


def test_a_certain_rule_makes_urgent_whatever_the_model_says() -> None:
    result = verdict(voices(urgent=-30.0, alarms={Reason.DEADLINE: 3.0}))
    assert result.urgent
    assert result.reasons == (Reason.DEADLINE,)


def test_an_urgent_message_always_has_a_reason() -> None:
    result = verdict(voices(urgent=9.0, reasons={Reason.MINOR_HARM: -1.0}))
    assert result.urgent
    assert result.reasons == (Reason.MINOR_HARM,)


def test_a_weak_rule_names_the_reason_before_a_guess_of_the_model() -> None:
    said = voices(urgent=9.0, reasons={Reason.MINOR_HARM: -1.0}, alarms={Reason.LIVELIHOOD: 0.9})
    assert verdict(said).reasons == (Reason.LIVELIHOOD,)


def test_reasons_of_rules_and_model_are_joined_in_a_fixed_order() -> None:
    said = voices(urgent=9.0, reasons={Reason.LIFE_SAFETY: 2.0}, alarms={Reason.EVIDENCE_LOSS: 1.0})
    assert verdict(said).reasons == (Reason.LIFE_SAFETY, Reason.EVIDENCE_LOSS)


@given(st.floats(-10, 10), st.sampled_from(list(Reason)), st.floats(0, 6), st.floats(0, 6))
def test_rules_raise_urgency_and_never_lower_it(
    model: float, reason: Reason, low: float, high: float
) -> None:
    low, high = sorted((low, high))
    quiet = verdict(voices(urgent=model, alarms={reason: low}))
    loud = verdict(voices(urgent=model, alarms={reason: high}))
    assert loud.urgency >= quiet.urgency
    assert loud.urgent >= quiet.urgent


def test_a_rule_weight_that_lowers_urgency_is_refused() -> None:
    with pytest.raises(ValidationError):
        FusionWeights(**{**WEIGHTS.model_dump(), "urgent_rules": -0.1})


def test_the_first_hint_counts_for_more_than_the_next() -> None:
    bent = WEIGHTS.model_copy(update={"urgent_bend": 9.0})
    said = [voices(alarms={Reason.DEADLINE: score}) for score in (0.0, 0.3, 0.6, 1.0)]
    scores = [math.log(u / (1 - u)) for v in said if (u := fuse(v, bent).urgent)]
    steps = np.diff(scores)
    assert steps[0] > 2 * steps[1] > 0
    # A score of one counts as it does without the bend.
    assert fuse(said[3], bent).urgent == pytest.approx(fuse(said[3], WEIGHTS).urgent)
