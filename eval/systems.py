"""What each system answers, as one table per system: the only thing the measures look at."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np

from eval.data import Labelled
from eval.metrics import Bools, Floats, Ints
from triage.errors import InputFileError, InvalidMessageError
from triage.labels import DEPARTMENTS, REASONS
from triage.pipeline import Analysis
from triage.rules import RuleOutcome
from triage.types import Decision, Department, Message, Reason, ReviewReason

RULES: Final = "rules"
MODEL: Final = "model"
FUSION: Final = "fusion"
BASELINE: Final = "baseline"
OTHER: Final = "other_bundle"

_EVEN: Final = 0.5


class Analyser(Protocol):
    """Answers one message with everything that led to the decision; `Pipeline` is one."""

    def analyse(self, message: Message) -> Analysis:
        """Classify and keep the intermediate results."""
        ...


@dataclass(frozen=True, slots=True)
class Predictions:
    """A system's answers to `n` messages.

    `probabilities` `[n, 4]` sum to one, in the order of `labels.DEPARTMENTS`; `choice` `[n]` is
    the department's index or -1 where the system gave none; `urgent_score` `[n]` only ranks;
    `urgent` `[n]` is its flag. `reasons` `[n, 7]`: reasons it names, None if it never names any.
    `routed` `[n]`: goes out without a person; `nothing` `[n]`: "no matter to handle"; `sets`
    `[n, 4]`: departments that cannot be ruled out; None where the system does not decide it.
    """

    probabilities: Floats
    choice: Ints
    urgent_score: Floats
    urgent: Bools
    reasons: Bools | None = None
    routed: Bools | None = None
    nothing: Bools | None = None
    sets: Bools | None = None

    @property
    def covered(self) -> Bools:
        """Messages for which the system gave a department."""
        return self.choice >= 0

    @property
    def confidence(self) -> Floats:
        """Probability `[n]` of the likeliest department."""
        top: Floats = self.probabilities.max(axis=1)
        return top


def _flags(reasons: Sequence[Reason]) -> list[bool]:
    return [reason in reasons for reason in REASONS]


def _shares(rules: RuleOutcome) -> Floats:
    """Each department's share of the rules' scores, even where no rule spoke."""
    scores = np.array([rules.scores[d.value] for d in DEPARTMENTS], dtype=np.float64)
    total = scores.sum()
    return scores / total if total > 0 else np.full(len(DEPARTMENTS), 1 / len(DEPARTMENTS))


def _rules_choice(rules: RuleOutcome) -> int:
    top = rules.override or rules.top
    return DEPARTMENTS.index(Department(top)) if top in tuple(DEPARTMENTS) else -1


def _rules(outcomes: Sequence[RuleOutcome]) -> Predictions:
    return Predictions(
        probabilities=np.stack([_shares(r) for r in outcomes]),
        choice=np.array([_rules_choice(r) for r in outcomes], dtype=np.int64),
        urgent_score=np.array([max(r.urgency.values(), default=0.0) for r in outcomes]),
        urgent=np.array([bool(r.reasons) for r in outcomes]),
        reasons=np.array([_flags(r.reasons) for r in outcomes]),
    )


def _model(analyses: Sequence[Analysis]) -> Predictions:
    five = np.stack([a.model_probabilities for a in analyses])
    four = five[:, : len(DEPARTMENTS)]
    urgent = np.array([a.model_urgent for a in analyses])
    return Predictions(
        probabilities=four / four.sum(axis=1, keepdims=True),
        choice=four.argmax(axis=1).astype(np.int64),
        urgent_score=urgent,
        urgent=urgent >= _EVEN,
        # A logit above zero is a probability above one half.
        reasons=np.stack([a.voices.model.reasons for a in analyses]) > 0,
        nothing=five.argmax(axis=1) == len(DEPARTMENTS),
    )


def _sets(decisions: Sequence[Decision]) -> Bools | None:
    """The decisions' sets `[n, 4]`; None where the bundle is not calibrated for them."""
    sets = [d.department_set for d in decisions if d.department_set is not None]
    if len(sets) < len(decisions):
        return None
    return np.array([[d in given for d in DEPARTMENTS] for given in sets])


def _fusion(analyses: Sequence[Analysis]) -> Predictions:
    decisions = [a.decision for a in analyses]
    four = np.stack([a.fused.departments for a in analyses])
    return Predictions(
        probabilities=four / four.sum(axis=1, keepdims=True),
        choice=np.array([DEPARTMENTS.index(d.department) for d in decisions], dtype=np.int64),
        urgent_score=np.array([a.fused.urgent for a in analyses]),
        urgent=np.array([d.urgent for d in decisions]),
        reasons=np.array([_flags(d.urgency.reasons) for d in decisions]),
        routed=np.array([not d.needs_review for d in decisions]),
        nothing=np.array([ReviewReason.NOTHING_TO_HANDLE in d.review_reasons for d in decisions]),
        sets=_sets(decisions),
    )


def analyse_all(
    analyser: Analyser, records: Sequence[Labelled], step: Callable[[], None] = lambda: None
) -> dict[str, Predictions]:
    """Tables of the rules alone, the encoder alone and the shipped decision, by name.

    `step` is called after each message, for a progress bar.

    Raises:
        InputFileError: a message cannot be classified; the error names its id, never the text.
    """
    analyses = []
    for record in records:
        try:
            analyses.append(analyser.analyse(record.message))
        except InvalidMessageError as error:
            raise InputFileError(f"message {record.id}: {error}; mend or remove it") from None
        step()
    return {
        RULES: _rules([a.voices.rules for a in analyses]),
        MODEL: _model(analyses),
        FUSION: _fusion(analyses),
    }
