"""Ordinary classes behind the project's protocols, for tests without a trained bundle."""

from __future__ import annotations

from triage.errors import InvalidMessageError
from triage.normalise import normalise
from triage.types import (
    Decision,
    Department,
    Evidence,
    Message,
    Reason,
    ReviewReason,
    Urgency,
    Versions,
)

VERSIONS = Versions(model="fake@1+00000000", rulebook="fake@1+0000", normaliser="1")


class FakeClassifier:
    """Decides by the first of a few words; refuses blank texts as the pipeline does.

    For dust it gives a set of two departments, else none. Asked to explain, it gives the word as evidence of the model instead of a rule.
    """

    versions = VERSIONS

    def warm_up(self) -> None:
        """There is nothing to load."""

    def classify(self, message: Message, *, explain: bool = False) -> Decision:
        if not normalise(message.text).text:
            raise InvalidMessageError("the text is blank; send what the citizen wrote")
        if "触发故障" in message.text:
            raise KeyError(message.text)
        at = message.text.find("扬尘")
        dust = at >= 0
        department = Department.PUBLIC_INTEREST if dust else Department.CIVIL
        evidence = (
            Evidence(
                source="rule",
                label=department.value,
                rule="dust",
                start=at,
                end=at + 2,
                text="扬尘",
                weight=1.0,
            ),
        )
        if explain:
            evidence = tuple(
                e.model_copy(update={"source": "model", "rule": None}) for e in evidence
            )
        urgent = "冻结" in message.text
        return Decision(
            id=message.id,
            department=department,
            second=None,
            probabilities={d: 0.91 if d is department else 0.03 for d in Department},
            department_set=(department, Department.CIVIL) if dust else None,
            urgent=urgent,
            urgency=Urgency(
                score=0.8 if urgent else 0.1, reasons=(Reason.LIVELIHOOD,) if urgent else ()
            ),
            needs_review=len(message.text) < 4,
            review_reasons=(ReviewReason.NOTHING_TO_HANDLE,) if len(message.text) < 4 else (),
            evidence=evidence if dust else (),
            truncated=len(message.text) > 500,
            versions=self.versions,
        )
