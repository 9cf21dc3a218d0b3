"""What a list is asked for: the fields of the queue's form, as they stand in the address."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated, Final
from urllib.parse import urlencode

from fastapi import Depends, Request

from serving.problems import ProblemError
from serving.store.deadlines import midnight
from serving.store.queue import Filters, Tab
from triage.types import Department, Reason

_LONGEST: Final = 100


@dataclass(frozen=True, slots=True)
class Wanted:
    """Tab, filters and cursor; `until` is the last day, itself included."""

    tab: Tab
    departments: frozenset[Department]
    channel: str
    since: date | None
    until: date | None
    reason: Reason | None
    text: str
    cursor: str | None

    @property
    def filters(self) -> Filters:
        """As the store asks."""
        return Filters(
            departments=self.departments,
            channel=self.channel or None,
            since=midnight(self.since) if self.since else None,
            until=midnight(self.until + timedelta(days=1)) if self.until else None,
            reason=self.reason,
            text=self.text or None,
        )

    @property
    def is_filtered(self) -> bool:
        """Whether anything but a tab is asked for."""
        return self.query(tab=self.tab) != f"tab={self.tab}"

    def query(self, tab: Tab | None = None, cursor: str | None = None) -> str:
        """The same again as a query string, perhaps of another tab or from a cursor on."""
        fields = [("tab", (tab or self.tab).value)]
        fields += [("department", each.value) for each in sorted(self.departments)]
        given = {
            "channel": self.channel,
            "since": self.since.isoformat() if self.since else "",
            "until": self.until.isoformat() if self.until else "",
            "reason": self.reason.value if self.reason else "",
            "q": self.text,
            "cursor": cursor or "",
        }
        return urlencode([*fields, *((name, value) for name, value in given.items() if value)])


def wanted(request: Request) -> Wanted:
    """From the address; a form sends empty fields too.

    Raises:
        ProblemError: a field has a value that the form does not offer.
    """
    given = request.query_params
    try:
        since, until, reason = (given.get(name, "") for name in ("since", "until", "reason"))
        return Wanted(
            tab=Tab(given.get("tab") or Tab.URGENT),
            departments=frozenset(Department(d) for d in given.getlist("department") if d),
            channel=given.get("channel", "").strip()[:_LONGEST],
            since=day_of(since) if since else None,
            until=day_of(until) if until else None,
            reason=Reason(reason) if reason else None,
            text=given.get("q", "").strip()[:_LONGEST],
            cursor=given.get("cursor") or None,
        )
    except ValueError:
        raise ProblemError("invalid_parameter") from None


Asked = Annotated[Wanted, Depends(wanted)]


def day_of(text: str) -> date:
    """A day, of this time.

    Raises:
        ProblemError: it is none.
    """
    try:
        found = date.fromisoformat(text)
    except ValueError:
        raise ProblemError("invalid_parameter") from None
    if not 2000 <= found.year <= 2200:
        raise ProblemError("invalid_parameter")
    return found
