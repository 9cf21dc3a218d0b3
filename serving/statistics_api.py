"""Statistics for those who lead, as JSON and as a table for spreadsheets."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Query, Response

from serving.access import Counting, StoreOf
from serving.reviewing import REFUSALS
from serving.store import statistics
from serving.store.deadlines import local_day, midnight
from serving.store.statistics import Statistics
from triage.io.csvfile import MARK, csv_lines
from triage.types import Timestamp

_DAYS: Final = 30
_HEAD: Final = ("项目", "行", "列", "数值")

router = APIRouter(prefix="/v1", tags=["statistics"])

_Since = Annotated[
    Timestamp | None,
    Query(description=f"Received then or later; by default the last {_DAYS} days, today too."),
]
_Until = Annotated[Timestamp | None, Query(description="Received before; by default until now.")]

_Row = tuple[str, str | None, str, int | float | None]


def time_range(since: datetime | None, until: datetime | None) -> tuple[datetime, datetime]:
    """What is asked for: by default from the beginning of the 30th day in Asia/Shanghai on."""
    now = datetime.now(UTC)
    first = local_day(now) - timedelta(days=_DAYS - 1)
    return since or midnight(first), until or now


def _found(store: StoreOf, since: datetime | None, until: datetime | None) -> Statistics:
    with store.database.read() as connection:
        return statistics.overview(connection, *time_range(since, until))


@router.get("/statistics", summary="统计", responses=REFUSALS)
def overview(store: StoreOf, _: Counting, since: _Since = None, until: _Until = None) -> Statistics:
    """Volumes, agreement, time to the first look, replies and reviewers' load."""
    return _found(store, since, until)


@router.get(
    "/statistics.csv",
    summary="统计（表格）",
    response_class=Response,
    responses=REFUSALS | {200: {"content": {"text/csv": {}}}},
)
def as_table(store: StoreOf, _: Counting, since: _Since = None, until: _Until = None) -> Response:
    """The same as one table with a figure in each row; no cell is a formula."""
    found = _found(store, since, until)
    name = f"statistics-{found.since:%Y%m%d}-{found.until:%Y%m%d}.csv"
    return Response(
        MARK + csv_lines([_HEAD, *_rows(found)], ","),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _rows(found: Statistics) -> Iterator[_Row]:
    yield "留言", None, "合计", found.total
    yield "留言", None, "紧急", found.urgent
    for day in found.days:
        yield "每日", day.day.isoformat(), "合计", day.total
        yield "每日", day.day.isoformat(), "紧急", day.urgent
        yield from (("每日", day.day.isoformat(), name, n) for name, n in day.departments.items())
    yield from (("部门", name, "合计", n) for name, n in found.departments.items())
    yield from (("渠道", one.channel, "合计", one.total) for one in found.channels)
    agreed = found.agreement
    yield "一致", None, "已复核", agreed.judged
    yield "一致", None, "部门一致", agreed.department
    yield "一致", None, "紧急一致", agreed.urgency
    for machine, counts in agreed.confusion.items():
        yield from (
            ("混淆矩阵（行：机器，列：人）", machine, name, n) for name, n in counts.items()
        )
    look = found.first_look
    yield "首次查看（紧急）", None, "紧急", look.urgent
    yield "首次查看（紧急）", None, "已查看", look.seen
    yield "首次查看（紧急）", None, "中位数（秒）", look.median_seconds
    yield "首次查看（紧急）", None, "90%（秒）", look.p90_seconds
    replies = found.replies
    yield "回复", None, "已回复", replies.replied
    yield "回复", None, "逾期才回复", replies.late
    yield "回复", None, "待回复", replies.waiting
    yield "回复", None, "逾期未回复", replies.overdue
    yield from (
        ("逾期未回复", name, "合计", n) for name, n in replies.overdue_by_department.items()
    )
    for one in found.reviewers:
        yield "工作量", one.reviewer, "决定", one.decided
        yield "工作量", one.reviewer, "同意", one.agreed
        yield "工作量", one.reviewer, "更正", one.corrected
        yield "工作量", one.reviewer, "撤回", one.undone
