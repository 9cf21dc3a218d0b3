"""Hot issues: what many people write about at once, and one label for all of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from serving.access import Reviewing, StoreOf
from serving.masking import mask
from serving.review_schemas import EXCERPT, RowOut, VerdictIn
from serving.reviewing import REFUSALS, MessageId, refusing
from serving.store import clusters, grouping
from serving.store.clusters import Hot
from serving.store.reviews import Verdict
from triage.types import Department

MOST_ROWS = 200

router = APIRouter(prefix="/v1/hot-issues", tags=["hot issues"])


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", from_attributes=True)


class HotOut(_Shape):
    """An issue, of the messages that exist for who asks. `excerpt` is of the newest."""

    cluster_id: int = Field(description="The number of the message that began it.")
    size: int
    open: int = Field(description="How many wait for a person.")
    recent: int = Field(description="How many came in the last seven days.")
    earlier: int = Field(description="How many came in the seven days before.")
    growth: int
    first: datetime
    last: datetime
    places: list[str] = Field(description="Those that most of its texts name.")
    excerpt: str | None = Field(description="Null once purged.")
    departments: dict[Department, int]

    @classmethod
    def of(cls, found: Hot) -> HotOut:
        """From what is stored."""
        shown = cls.model_validate(found)
        excerpt = found.excerpt and mask(found.excerpt)[:EXCERPT]
        return shown.model_copy(update={"excerpt": excerpt})


class Issue(_Shape):
    """An issue with some of its messages, the newest first."""

    issue: HotOut
    rows: list[RowOut]
    next: str | None = Field(description="The cursor of the next page, where there is one.")


class LabelledOut(_Shape):
    """How many got the label, were done before, or were done by somebody at the same moment."""

    cluster_id: int
    labelled: int
    skipped: int
    conflicted: int


@router.get("", summary="热点问题", responses=REFUSALS)
def hot_issues(
    store: StoreOf, actor: Reviewing, limit: Annotated[int, Query(ge=1, le=MOST_ROWS)] = 50
) -> list[HotOut]:
    """Matters of three messages or more, one in the last 30 days: by growth, then by size."""
    with refusing(), store.database.read() as connection:
        found = clusters.hot(connection, actor, datetime.now(UTC), limit)
    return [HotOut.of(each) for each in found]


@router.get("/{cluster_id}", summary="热点问题的留言", responses=REFUSALS)
def hot_issue(
    store: StoreOf,
    actor: Reviewing,
    cluster_id: MessageId,
    cursor: Annotated[str | None, Query(max_length=500)] = None,
    limit: Annotated[int, Query(ge=1, le=MOST_ROWS)] = 50,
) -> Issue:
    """One issue, of whatever size, with its messages."""
    now = datetime.now(UTC)
    with refusing(), store.database.read() as connection:
        found = clusters.one(connection, actor, cluster_id, now)
        page = clusters.members(connection, actor, cluster_id, cursor, limit, now)
    return Issue(issue=HotOut.of(found), rows=[RowOut.of(row) for row in page.rows], next=page.next)


@router.post("/{cluster_id}/label", summary="整组标注", responses=REFUSALS)
def label(store: StoreOf, actor: Reviewing, cluster_id: MessageId, given: VerdictIn) -> LabelledOut:
    """Give one label to all that is open of an issue; each message gets a correction of its own.

    Only what exists for who asks is labelled. The same request sent again does what is missing.
    """
    verdict = Verdict(str(given.id), given.stored(), given.note)
    with refusing():
        done = grouping.label_all(store, actor, cluster_id, verdict, datetime.now(UTC))
    return LabelledOut(
        cluster_id=cluster_id,
        labelled=done.labelled,
        skipped=done.skipped,
        conflicted=done.conflicted,
    )
