"""Shapes of what reviewers send and get. Personal numbers are masked unless they were revealed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StrictBool

from serving.masking import mask, mask_name
from serving.problems import Problem
from serving.store import labels
from serving.store.items import Correction, Item
from serving.store.queue import Row, Tab
from triage.types import Attachment, Decision, Department, Evidence, Reason, ReviewReason

EXCERPT = 120
MAX_NOTE = 2_000

Class = Literal["civil", "administrative", "public_interest", "complaints", "none"]


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", from_attributes=True)


class Label(_Shape):
    """`none`: there is nothing to handle. Whatever is urgent has a reason, and nothing else has."""

    department: Class
    urgent: StrictBool
    reasons: list[Reason] = Field(default_factory=list, max_length=7)

    def stored(self) -> labels.Label:
        """As the store has it."""
        return labels.Label(self.department, self.urgent, tuple(self.reasons))


class VerdictIn(Label):
    """A decision. `id` is made anew for each, and stays when the same one is sent again."""

    id: UUID
    note: Annotated[str, Field(max_length=MAX_NOTE)] | None = None


class UndoIn(_Shape):
    """`undoes` is the decision that is taken back; `id` is made anew for each."""

    id: UUID
    undoes: UUID


class ReplyIn(_Shape):
    """`replied`: what becomes of the letter was told; `answered`: what came of it was."""

    kind: Literal["replied", "answered"]


class Decided(_Shape):
    """What was recorded."""

    message_id: int
    version: int


class Replied(_Shape):
    """When it was first noted."""

    message_id: int
    kind: Literal["replied", "answered"]
    at: datetime


class LeaseOut(_Shape):
    """Who has the message open, and until when. Others may decide all the same."""

    message_id: int
    holder: str
    until: datetime


class CorrectionOut(_Shape):
    """What a person said. `version` is the message's after it; `undo` restored `label`."""

    id: UUID
    message_id: int
    version: int
    actor: str
    at: datetime
    kind: Literal["agree", "correct", "undo"]
    before: Label
    label: Label
    note: str | None
    undoes: UUID | None

    @classmethod
    def of(cls, made: Correction, hide: Callable[[str], str] = mask) -> CorrectionOut:
        """From what is stored."""
        shown = cls.model_validate(made)
        return shown.model_copy(update={"note": made.note and hide(made.note)})


class Conflict(Problem):
    """Somebody decided meanwhile: `latest`, which made the message what it is at `version`."""

    version: int
    latest: CorrectionOut | None


class _Work(_Shape):
    message_id: int
    version: int
    reference: str | None = Field(description="The `id` that the intake system gave.")
    channel: str | None
    received_at: datetime
    due_on: date = Field(description="The reply's last day, in Asia/Shanghai.")
    result_due_on: date
    label: Label
    department: Department = Field(description="Who has it, even where there is nothing to do.")
    needs_review: bool
    review_reasons: list[ReviewReason]
    listed: bool = Field(description="Whether a person has to look.")
    done: bool
    first_seen_at: datetime | None
    reviewed_at: datetime | None
    reviewer: str | None
    replied_at: datetime | None
    answered_at: datetime | None
    lease: LeaseOut | None


class RowOut(_Work):
    """A message in a list."""

    title: str | None
    excerpt: str | None
    confidence: float

    @classmethod
    def of(cls, row: Row) -> RowOut:
        """From what is stored."""
        shown = cls.model_validate(row)
        return shown.model_copy(
            update={
                "title": row.title and mask(row.title),
                "reference": row.reference and mask_name(row.reference),
                "excerpt": row.excerpt and mask(row.excerpt)[:EXCERPT],
            }
        )


class Reviews(_Shape):
    """A page of the queue. `counts` come with the first page; 10,000 is that many or more."""

    rows: list[RowOut]
    next: str | None = Field(description="The cursor of the next page, where there is one.")
    counts: dict[Tab, int] | None


class MessageOut(_Work):
    """A message with all that belongs to it. `text` and `decision` are null once purged.

    Masked texts are as long as the texts: offsets hold in both.
    """

    masked: bool
    title: str | None
    text: str | None
    attachments: list[Attachment]
    decision: Decision | None
    machine: Label
    decided_at: datetime
    history: list[CorrectionOut]

    @classmethod
    def of(cls, item: Item, *, masked: bool) -> MessageOut:
        """From what is stored."""
        hide: Callable[[str], str] = mask if masked else str
        name = item.reference and mask_name(item.reference) if masked else item.reference
        title, text = item.title and hide(item.title), item.text and hide(item.text)
        own: dict[str, Any] = {
            name: getattr(item, name) for name in _Work.model_fields | {"decided_at": None}
        }
        return cls.model_validate(
            {
                **own,
                "masked": masked,
                "reference": name,
                "title": title,
                "text": text,
                "attachments": [
                    Attachment(name=hide(str(a["name"])), url=a["url"]) for a in item.attachments
                ],
                "decision": item.decision and _shown(item.decision, title, text, name),
                "machine": item.machine,
                "history": [CorrectionOut.of(made, hide) for made in item.history],
            }
        )


def _shown(decision: Decision, title: str | None, text: str | None, name: str | None) -> Decision:
    """The decision with quotes as the texts are shown."""

    def quoted(evidence: Evidence) -> Evidence:
        quote = ((title if evidence.field == "title" else text) or "")[
            evidence.start : evidence.end
        ]
        return evidence.model_copy(update={"text": quote})

    quotes = tuple(map(quoted, decision.evidence))
    return decision.model_copy(update={"evidence": quotes, "id": name})
