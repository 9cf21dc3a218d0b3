"""What is promised and open, by its last day."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from sqlalchemy import event

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
        whole = due.due(connection, LEAD, kind, since, until, 10, AT)
        paged, cursor = [], None
        while True:
            part = due.due(connection, LEAD, kind, since, until, 1, AT, cursor)
            paged += part.rows
            if not (cursor := part.next):
                break
    assert paged == whole.rows
    return [row.message_id for row in paged]


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


def test_what_is_overdue_for_years_is_found(store: Store) -> None:
    (number,) = stored(store, "邻居占道")
    later = REPLY.replace(year=2030)
    with store.database.read() as connection:
        assert due.overdue(connection, LEAD, Kind.REPLY, later) == 1
    assert _numbers(store, Kind.RESULT, None, later) == [number]


def test_days_are_read_from_their_index(store: Store) -> None:
    told: list[tuple[str, Any]] = []

    def note(_c: object, _cursor: object, statement: str, given: object, *_: object) -> None:
        told.append((statement, given))

    stored(store, *["邻居占道"] * 5)
    explain = "EXPLAIN QUERY PLAN " if store.database.is_sqlite else "EXPLAIN "
    for kind, name in ((Kind.REPLY, "ix_items_due_on"), (Kind.RESULT, "ix_items_result_due_on")):
        with store.database.read() as connection:
            if not store.database.is_sqlite:  # it does not take an index for five rows
                connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
            event.listen(store.database.engine, "before_cursor_execute", note)
            due.overdue(connection, LEAD, kind, REPLY)
            event.remove(store.database.engine, "before_cursor_execute", note)
            sql, given = told.pop()
            assert name in str(connection.exec_driver_sql(explain + sql, given).all())
