"""How things are called where people read: names, times and numbers in Chinese."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any, Final

from serving.store.actors import ROLE_NAMES, Role
from serving.store.deadlines import ZONE, local_day
from serving.store.labels import Label
from serving.store.queue import MOST_COUNTED, Tab
from triage.labels import CLASS_NAMES, REASON_NAMES, REVIEW_REASON_NAMES
from triage.types import Reason, ReviewReason

TAB_NAMES: Final = {
    Tab.URGENT: "紧急",
    Tab.REVIEW: "待复核",
    Tab.ALL: "全部",
    Tab.MINE: "我的",
    Tab.DONE: "已办",
}
KIND_NAMES: Final = {"agree": "同意", "correct": "更正", "undo": "撤销"}
_LABEL_WORDS: Final = {**CLASS_NAMES, **{r.value: name for r, name in REASON_NAMES.items()}}
_WEEK: Final = "一二三四五六日"
_CALLERS: Final = {"cli": "命令行", "anonymous": "未具名"}


def department(code: str) -> str:
    """A department's name, or that there is nothing to handle."""
    return CLASS_NAMES[code]


def reason(code: str) -> str:
    """The name of a reason why a message cannot wait."""
    return REASON_NAMES[Reason(code)]


def review_reason(code: str) -> str:
    """Why a person should look."""
    return REVIEW_REASON_NAMES[ReviewReason(code)]


def label_word(code: str) -> str:
    """What evidence speaks for: a department, `none` or an urgency reason."""
    return _LABEL_WORDS.get(code, code)


def person(actor: str) -> str:
    """Who did something, without the kind where it is a person."""
    kind, colon, name = actor.partition(":")
    if not colon:
        return _CALLERS.get(actor, actor)
    return name if kind == "user" else f"程序 {name}"


def whole_label(label: Label) -> str:
    """A label in one line."""
    named = department(label.department)
    if not label.urgent:
        return named
    return f"{named}，紧急（{'、'.join(reason(each) for each in label.reasons)}）"


def moment(at: datetime | None) -> str:
    """A moment in Asia/Shanghai, to the minute."""
    return at.astimezone(ZONE).strftime("%Y-%m-%d %H:%M") if at else ""


def short_moment(at: datetime | None) -> str:
    """A moment in Asia/Shanghai without the year."""
    return at.astimezone(ZONE).strftime("%m-%d %H:%M") if at else ""


def weekday(day: date) -> str:
    """A day's name."""
    return f"周{_WEEK[day.weekday()]}"


def today() -> date:
    """The day in Asia/Shanghai."""
    return local_day(datetime.now(UTC))


def due(day: date) -> str:
    """How far away a last day is."""
    left = (day - today()).days
    if left < 0:
        return f"逾期 {-left} 天"
    return {0: "今天", 1: "明天", 2: "后天"}.get(left, f"还有 {left} 天")


def due_class(day: date) -> str:
    """How a last day is shown."""
    left = (day - today()).days
    return "overdue" if left < 0 else "soon" if left <= 1 else "later"


def percent(share: float | None) -> str:
    """A share; without digits that mean nothing."""
    if share is None:
        return "—"
    return f"{share:.1%}" if 0 < share < 0.1 else f"{share:.0%}"


def duration(seconds: float | None) -> str:
    """How long something took."""
    if seconds is None:
        return "—"
    if seconds < 60:
        return f"{seconds:.0f} 秒"
    if seconds < 3600:
        return f"{seconds / 60:.0f} 分钟"
    return f"{seconds / 3600:.1f} 小时" if seconds < 172_800 else f"{seconds / 86_400:.1f} 天"


def count(number: int) -> str:
    """A number of the queue, which is not counted to its end."""
    return f"{number}+" if number >= MOST_COUNTED else str(number)


def role(code: str) -> str:
    """What a person is."""
    return ROLE_NAMES[Role(code)]


FILTERS: Final[dict[str, Callable[..., Any]]] = {
    "department": department,
    "reason": reason,
    "review_reason": review_reason,
    "label_word": label_word,
    "person": person,
    "whole_label": whole_label,
    "moment": moment,
    "short_moment": short_moment,
    "weekday": weekday,
    "due": due,
    "due_class": due_class,
    "percent": percent,
    "count": count,
    "role": role,
    "kind": KIND_NAMES.__getitem__,
}
