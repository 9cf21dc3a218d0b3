"""When a reply and a result are due."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from serving.store.deadlines import Calendar, local_day
from serving.store.errors import StoreError


def noon(year: int, month: int, day: int) -> datetime:
    return datetime(year, month, day, 4, tzinfo=UTC)


@pytest.mark.parametrize(
    ("came", "due"),
    [
        (noon(2026, 11, 2), date(2026, 11, 9)),  # Monday to Monday
        (noon(2026, 11, 7), date(2026, 11, 16)),  # Saturday: the Monday after the week
        (noon(2026, 11, 8), date(2026, 11, 16)),  # Sunday
        (noon(2026, 9, 24), date(2026, 10, 5)),  # 1 to 3 October are holidays, 4 a Sunday
        (noon(2026, 12, 25), date(2027, 1, 4)),  # New Year, a Friday
        (noon(2027, 4, 24), date(2027, 5, 3)),  # Labour Day and the day after, a weekend
    ],
)
def test_a_reply_is_due_in_seven_days_or_on_the_next_working_day(came: datetime, due: date) -> None:
    assert Calendar().reply_due(came, urgent=False) == due


@pytest.mark.parametrize("came", [noon(2026, 11, 7), noon(2026, 10, 1), noon(2026, 11, 2)])
def test_what_is_urgent_is_due_on_its_day_whatever_day(came: datetime) -> None:
    assert Calendar().reply_due(came, urgent=True) == local_day(came)


@pytest.mark.parametrize(
    ("came", "due"),
    [
        (noon(2026, 8, 12), date(2026, 11, 12)),
        (noon(2026, 11, 30), date(2027, 3, 1)),  # no 30 February; the 28th is a Sunday
        (noon(2027, 11, 30), date(2028, 2, 29)),  # a leap year
        (noon(2026, 10, 31), date(2027, 2, 1)),  # 31 January is a Sunday
        (noon(2026, 7, 1), date(2026, 10, 5)),  # National Day
    ],
)
def test_a_result_is_due_in_three_months(came: datetime, due: date) -> None:
    assert Calendar().result_due(came) == due


def test_days_are_those_of_shanghai() -> None:
    late = datetime(2026, 11, 1, 16, 0, tzinfo=UTC)  # midnight of Monday there
    assert local_day(late) == date(2026, 11, 2)
    assert Calendar().reply_due(late, urgent=True) == date(2026, 11, 2)


def test_a_file_adds_holidays_and_working_weekends(tmp_path: Path) -> None:
    path = tmp_path / "calendar.yaml"
    path.write_text("holidays: [2026-11-09, 2026-11-10]\nworkdays: [2026-11-14]\n")
    calendar = Calendar.load(path)
    assert calendar.reply_due(noon(2026, 11, 2), urgent=False) == date(2026, 11, 11)
    assert calendar.reply_due(noon(2026, 11, 7), urgent=False) == date(2026, 11, 14)
    assert calendar.is_working(date(2026, 11, 14))
    assert not calendar.is_working(date(2026, 11, 15))


@pytest.mark.parametrize("text", ["holidays: 3", "feiertage: []", "holidays: [x", "- 1"])
def test_a_file_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "calendar.yaml"
    path.write_text(text)
    with pytest.raises(StoreError, match="holidays and workdays"):
        Calendar.load(path)


def test_an_empty_file_adds_nothing(tmp_path: Path) -> None:
    path = tmp_path / "calendar.yaml"
    path.write_text("")
    assert Calendar.load(path) == Calendar.load(None) == Calendar()
