"""What is promised and open, by its last day."""

from __future__ import annotations

from datetime import date, timedelta

from serving.store import due
from serving.store.due import Kind
from serving.store.opening import Store
from serving.store.replies import mark_answered, mark_replied
from tests.store.people import LEAD, NOTHING, ZHAO, judged
from tests.store.records import AT, stored

REPLY, RESULT = date(2026, 11, 9), date(2027, 2, 2)  # of what came on 2 November
DAY = timedelta(days=1)


def _numbers(store: Store, kind: Kind, since: date | None, until: date) -> list[int]:
    with store.database.read() as connection:
        found = due.due(connection, LEAD, kind, since, until, 10, AT)
    return [row.message_id for row in found]


def test_what_is_open_is_counted_by_its_last_day(store: Store) -> None:
    usual, urgent, replied, answered, nothing = stored(
        store, "邻居占道", "账户被冻结", "物业不修", "押金不退", "你好你好"
    )
    judged(store, LEAD, nothing, 0, NOTHING)
    with store.database.write() as connection:
        mark_replied(connection, store.audit, LEAD, replied, AT)
        mark_answered(connection, store.audit, LEAD, answered, AT)
    with store.database.read() as connection:
        month = due.by_day(connection, LEAD, date(2026, 11, 1), date(2026, 12, 1))
        quarter = due.by_day(connection, LEAD, RESULT, RESULT + DAY)
        late = due.overdue(connection, LEAD, Kind.REPLY, REPLY)
        foreign = due.by_day(connection, ZHAO, date(2026, 11, 1), date(2026, 12, 1))
    assert month.replies == {date(2026, 11, 2): 1, REPLY: 1}
    assert month.results == {}
    assert quarter.results == {RESULT: 3}
    assert late == 1
    assert (foreign.replies, foreign.results) == ({}, {})
    assert _numbers(store, Kind.REPLY, None, REPLY + DAY) == [urgent, usual]
    assert _numbers(store, Kind.REPLY, REPLY, REPLY + DAY) == [usual]
    assert _numbers(store, Kind.RESULT, RESULT, RESULT + DAY) == [usual, urgent, replied]
    assert _numbers(store, Kind.REPLY, None, REPLY - 7 * DAY) == []
