"""How much comes in, how well the machine decides, how quickly people look and reply."""

from __future__ import annotations

from datetime import timedelta
from typing import Final
from urllib.parse import urlencode

from fastapi import Request
from starlette.responses import HTMLResponse

from serving.access import Counting, StoreOf
from serving.pages.asking import day_of
from serving.pages.charts import Chart, Matrix, Series, matrix
from serving.pages.marking import plain
from serving.pages.render import page
from serving.pages.routing import page_router
from serving.pages.words import department, duration, percent, person, today
from serving.problems import ProblemError
from serving.store import statistics
from serving.store.deadlines import midnight
from serving.store.statistics import Statistics
from triage.labels import CLASSES, DEPARTMENTS

_DAYS: Final = 30
_LONGEST: Final = timedelta(days=366)
_CHANNELS: Final = 12

router = page_router()


@router.get("/statistics")
def shown(
    request: Request, store: StoreOf, actor: Counting, since: str = "", until: str = ""
) -> HTMLResponse:
    """The figures of some days, the last thirty unless others are asked for."""
    last = day_of(until) if until else today()
    first = day_of(since) if since else last - timedelta(days=_DAYS - 1)
    if not timedelta() <= last - first <= _LONGEST:
        raise ProblemError("invalid_parameter")
    begin, end = midnight(first), midnight(last + timedelta(days=1))
    with store.database.read() as connection:
        found = statistics.overview(connection, begin, end)
    asked = urlencode({"since": begin.isoformat(), "until": end.isoformat()})
    return page(
        request,
        "statistics.html",
        actor,
        since=first,
        until=last,
        csv=f"/v1/statistics.csv?{asked}",
        tiles=_tiles(found),
        charts=_charts(found),
        matrix=_matrix(found),
    )


def _tiles(found: Statistics) -> list[tuple[str, str]]:
    judged, look, replies = found.agreement, found.first_look, found.replies
    return [
        ("收到", str(found.total)),
        ("其中紧急", str(found.urgent)),
        ("已复核", str(judged.judged)),
        ("部门一致", percent(_share(judged.department, judged.judged))),
        ("紧急一致", percent(_share(judged.urgency, judged.judged))),
        ("紧急已查看", f"{look.seen} / {look.urgent}"),
        ("首次查看，中位数", duration(look.median_seconds)),
        ("首次查看，九成以内", duration(look.p90_seconds)),
        ("已回复", str(replies.replied)),
        ("其中逾期才回复", str(replies.late)),
        ("待回复", str(replies.waiting)),
        ("逾期未回复", str(replies.overdue)),
    ]


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _charts(found: Statistics) -> list[Chart]:
    days, load = found.days, found.reviewers
    overdue = found.replies.overdue_by_department
    daily = [
        Series(department(code), [day.departments.get(code, 0) for day in days]) for code in CLASSES
    ]
    channels = found.channels[:_CHANNELS]
    return [
        Chart(
            "每天收到",
            "日期",
            [day.day.strftime("%m-%d") for day in days],
            [Series("收到", [day.total for day in days]), Series("紧急", [d.urgent for d in days])],
            kind="line",
        ),
        Chart(
            "每天各部门", "日期", [day.day.strftime("%m-%d") for day in days], daily, stacked=True
        ),
        Chart(
            "各渠道",
            "渠道",
            [plain(each.channel).strip()[:16] or "（未注明）" for each in channels],
            [Series("收到", [each.total for each in channels])],
            across=True,
        ),
        Chart(
            "逾期未回复",
            "部门",
            [department(code.value) for code in DEPARTMENTS],
            [Series("逾期", [overdue.get(code.value, 0) for code in DEPARTMENTS])],
            across=True,
        ),
        Chart(
            "每人的工作量",
            "人",
            [person(each.reviewer) for each in load],
            [
                Series("同意", [each.agreed for each in load]),
                Series("更正", [each.corrected for each in load]),
                Series("撤销", [each.undone for each in load]),
            ],
            across=True,
        ),
    ]


def _matrix(found: Statistics) -> Matrix:
    names = {code: department(code) for code in CLASSES}
    counted = {
        (machine, given): number
        for machine, row in found.agreement.confusion.items()
        for given, number in row.items()
    }
    return matrix(names, names, counted)
