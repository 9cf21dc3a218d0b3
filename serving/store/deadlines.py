"""When an answer is due. The procuratorates promise every letter a reply (群众信访件件有回复):
within 7 days what becomes of it, within 3 months the progress or the result. What is urgent is due
on the day it came. Where the last day is no working day, the next working day is the last (as Civil
Procedure Law art. 85 counts).
"""

from __future__ import annotations

import calendar as months
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from serving.store.errors import StoreError

ZONE: Final = ZoneInfo("Asia/Shanghai")
REPLY_DAYS: Final = 7
RESULT_MONTHS: Final = 3
_SATURDAY: Final = 5
# The public holidays whose days the law itself fixes by the common calendar, from 2025 on
# (全国年节及纪念日放假办法): New Year, Labour Day, National Day.
_FIXED: Final = frozenset({(1, 1), (5, 1), (5, 2), (10, 1), (10, 2), (10, 3)})


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    holidays: frozenset[date] = frozenset()
    workdays: frozenset[date] = frozenset()


@dataclass(frozen=True, slots=True)
class Calendar:
    """Working days: all but weekends and holidays; `workdays` are weekends that are worked."""

    holidays: frozenset[date] = field(default_factory=frozenset)
    workdays: frozenset[date] = field(default_factory=frozenset)

    @classmethod
    def load(cls, path: Path | None) -> Calendar:
        """From a YAML file with lists `holidays` and `workdays` of dates; None: weekends only.

        Raises:
            StoreError: the file cannot be read; the error says what is wrong.
        """
        if path is None:
            return cls()
        try:
            given = _File.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")) or {})
        except (OSError, UnicodeDecodeError, yaml.YAMLError, ValidationError) as error:
            raise StoreError(
                f"the calendar {path} cannot be used ({type(error).__name__}); it needs the lists "
                "holidays and workdays, with dates like 2026-10-01"
            ) from None
        return cls(given.holidays, given.workdays)

    def is_working(self, day: date) -> bool:
        """Whether people are at work."""
        if day in self.workdays:
            return True
        free = day in self.holidays or (day.month, day.day) in _FIXED
        return not free and day.weekday() < _SATURDAY

    def _working_from(self, day: date) -> date:
        while not self.is_working(day):
            day += timedelta(days=1)
        return day

    def reply_due(self, received: datetime, *, urgent: bool) -> date:
        """The last day for the reply, in Asia/Shanghai."""
        day = local_day(received)
        return day if urgent else self._working_from(day + timedelta(days=REPLY_DAYS))

    def result_due(self, received: datetime) -> date:
        """The last day for the result, in Asia/Shanghai."""
        day = local_day(received)
        year, month = divmod(day.year * 12 + day.month - 1 + RESULT_MONTHS, 12)
        last = months.monthrange(year, month + 1)[1]
        return self._working_from(date(year, month + 1, min(day.day, last)))


def local_day(moment: datetime) -> date:
    """The day of a moment in Asia/Shanghai."""
    return moment.astimezone(ZONE).date()


def midnight(day: date) -> datetime:
    """When a day begins in Asia/Shanghai."""
    return datetime.combine(day, time(), ZONE).astimezone(UTC)
