"""Turn probabilities and rule hits into what a person or system can act on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from triage.fusion import Floats64, Fused, Voices, sigmoid
from triage.labels import DEPARTMENTS, NONE, REASONS
from triage.types import Department, Reason, ReviewReason

Share = Annotated[float, Field(ge=0, le=1)]


class Thresholds(BaseModel):
    """Chosen on held-out messages for stated aims, stored in the bundle.

    `review`: a department below this probability goes to a person. `nothing`: from this
    probability of "no matter to handle" on, a person decides. `urgent`, `reason`: from these
    probabilities on, the message is urgent, or a reason is named. `certain_rule`: a reason whose
    rules reach this score makes the message urgent whatever the model says. `disagree`: the rules
    object when their favourite leads the decided department by this much. `conformal`:
    departments of at least this probability belong to the decision's set (split conformal
    prediction with the least ambiguous set, Sadinle, Lei & Wasserman 2019); None: not calibrated.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    review: Share
    nothing: Share
    urgent: Share
    reason: Share
    certain_rule: Annotated[float, Field(ge=0)]
    disagree: Annotated[float, Field(ge=0)]
    conformal: Share | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """A decision before it is joined with evidence and versions."""

    department: Department
    second: Department
    probabilities: Floats64
    department_set: tuple[Department, ...] | None
    urgent: bool
    urgency: float
    reasons: tuple[Reason, ...]
    review: tuple[ReviewReason, ...]


def _reasons(voices: Voices, thresholds: Thresholds) -> tuple[Reason, ...]:
    """Reasons that the rules or the model name; where neither does, the likeliest one.

    A rule that is too weak to name its reason alone still knows better than the model, which
    has seen few of each.
    """
    by_model = np.array([sigmoid(float(score)) for score in voices.model.reasons])
    chosen = set(voices.rules.reasons)
    chosen |= {r for r, p in zip(REASONS, by_model, strict=True) if p >= thresholds.reason}
    if not chosen:
        hinted = max(REASONS, key=voices.rules.urgency.__getitem__)
        likeliest = REASONS[int(by_model.argmax())]
        chosen = {hinted if voices.rules.urgency[hinted] > 0 else likeliest}
    return tuple(reason for reason in REASONS if reason in chosen)


def _rules_disagree(voices: Voices, decided: Department, thresholds: Thresholds) -> bool:
    top = voices.rules.top
    if top is None or top in (NONE, decided.value):
        return False
    return voices.rules.scores[top] - voices.rules.scores[decided.value] >= thresholds.disagree


def _nothing(voices: Voices, fused: Fused, thresholds: Thresholds) -> bool:
    """Whether model or rules find no matter to handle; a message with facts of urgency has one."""
    if voices.rules.reasons:
        return False
    scores = voices.rules.scores
    ruled = scores[NONE] >= 1.0 and voices.rules.top == NONE
    return ruled or float(fused.classes[-1]) >= thresholds.nothing


def _department_set(
    four: Floats64, order: list[int], decided: Department, least: float | None
) -> tuple[Department, ...] | None:
    """The departments of at least this probability; the decided one, whatever its own is."""
    if least is None:
        return None
    ranked = ((DEPARTMENTS[i], float(four[i])) for i in order)
    return tuple(name for name, share in ranked if share >= least or name is decided)


def decide(voices: Voices, fused: Fused, thresholds: Thresholds, *, damaged: bool) -> Verdict:
    """The department, its probability among the four, urgency, and why a person should look."""
    four = fused.departments
    order = sorted(range(len(DEPARTMENTS)), key=lambda i: (-four[i], i))
    override = voices.rules.override
    decided = override or DEPARTMENTS[order[0]]
    second = next(d for d in (DEPARTMENTS[i] for i in order) if d is not decided)
    strongest = max(voices.rules.urgency.values(), default=0.0)
    urgent = fused.urgent >= thresholds.urgent or strongest >= thresholds.certain_rule
    causes = {
        ReviewReason.DAMAGED_TEXT: damaged,
        ReviewReason.NOTHING_TO_HANDLE: _nothing(voices, fused, thresholds),
        ReviewReason.RULES_DISAGREE: _rules_disagree(voices, DEPARTMENTS[order[0]], thresholds)
        or decided is not DEPARTMENTS[order[0]],
        ReviewReason.LOW_CONFIDENCE: four[order[0]] < thresholds.review,
    }
    return Verdict(
        department=decided,
        second=second,
        probabilities=four,
        department_set=_department_set(four, order, decided, thresholds.conformal),
        urgent=urgent,
        urgency=fused.urgent,
        reasons=_reasons(voices, thresholds) if urgent else (),
        review=tuple(reason for reason in ReviewReason if causes[reason]),
    )
