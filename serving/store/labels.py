"""A label as a person gives it, and how it is compared with what the machine decided."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from serving.store.errors import StoreError
from triage.labels import CLASSES, NONE, REASONS
from triage.types import Reason, ReviewReason


class LabelError(StoreError):
    """No label can be like this; `field` is the part that is wrong."""

    code = "invalid_label"

    def __init__(self, detail: str, field: str) -> None:
        super().__init__(detail)
        self.field = field


@dataclass(frozen=True, slots=True)
class Label:
    """Who handles a message (a department or `none`), and whether and why it cannot wait."""

    department: str
    urgent: bool
    reasons: tuple[Reason, ...]

    def __post_init__(self) -> None:
        # In one order, without repeats: equal labels are equal.
        ordered = tuple(reason for reason in REASONS if reason in self.reasons)
        object.__setattr__(self, "reasons", ordered)

    def __str__(self) -> str:
        """As audit records tell it: `civil`, or `civil, urgent: deadline livelihood`."""
        return self.department + (f", urgent: {' '.join(self.reasons)}" if self.urgent else "")

    @property
    def is_nothing(self) -> bool:
        """Whether there is no matter to handle."""
        return self.department == NONE

    def check(self) -> None:
        """Refuse what a person may not say.

        Raises:
            LabelError: no such department, urgent without a reason, or a reason without urgent.
        """
        if self.department not in CLASSES:
            raise LabelError(f"must be one of {', '.join(CLASSES)}", "department")
        if self.urgent and not self.reasons:
            raise LabelError("must name at least one, because the message is urgent", "reasons")
        if self.reasons and not self.urgent:
            raise LabelError("must be empty, because the message is not urgent", "reasons")

    def columns(self) -> dict[str, Any]:
        """As rows of `corrections` and their `before` hold it."""
        reasons = [reason.value for reason in self.reasons]
        return {"department": self.department, "urgent": self.urgent, "reasons": reasons}


def label(department: str, urgent: bool, reasons: Iterable[str]) -> Label:
    """A label from what is stored."""
    return Label(department, urgent, tuple(Reason(reason) for reason in reasons))


def item_label(row: Any) -> Label:
    """The label that holds now: from a row with the columns of `items`."""
    return label(NONE if row.is_nothing else row.department, row.urgent, row.reasons)


def machine_label(row: Any) -> Label:
    """What the machine decided: from a row with the columns of `decisions`."""
    return label(row.department, row.urgent, row.reasons)


def agrees(given: Label, decision: Any) -> bool:
    """Whether a person says what the machine decided.

    "Nothing to handle" agrees with a decision that asked a person whether there is anything.
    """
    machine = machine_label(decision)
    if given.is_nothing and ReviewReason.NOTHING_TO_HANDLE.value in decision.review_reasons:
        machine = Label(NONE, machine.urgent, machine.reasons)
    return given == machine
