"""Tabs, their order, filters, pages and counts."""

from __future__ import annotations

import random
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import event

from serving.store import leases, search
from serving.store.actors import Actor
from serving.store.cursors import CursorError, decode, encode
from serving.store.intake import insert_messages
from serving.store.opening import Store
from serving.store.queue import Filters, Page, Row, Tab, counts, page
from tests.store.people import ADMINISTRATIVE, CIVIL, LEAD, LI, NOW, URGENT, WANG, ZHAO, judged
from tests.store.records import AT, record, stored
from triage.types import Department, Reason

DUST, UNSURE, URGENT_TEXT, SURE = "工地扬尘扰民", "你好", "账户被冻结了", "欠我三万元不还"
NO_FILTERS = Filters()
CIVIL_ALONE = frozenset({Department.CIVIL})
INDEXES = {
    Tab.URGENT: "ix_items_urgent",
    Tab.REVIEW: "ix_items_review",
    Tab.ALL: "ix_items_open",
    Tab.DONE: "ix_items_done",
}


def listed(
    store: Store, actor: Actor, tab: Tab, filters: Filters = NO_FILTERS, cursor: str | None = None,
    limit: int = 50,
) -> Page:  # fmt: skip
    with store.database.read() as connection:
        return page(connection, actor, tab, filters, cursor, limit, NOW)


def numbers(found: Page) -> list[int]:
    return [row.message_id for row in found.rows]


def all_pages(store: Store, actor: Actor, tab: Tab, limit: int) -> list[Row]:
    found, cursor = [], None
    while True:
        part = listed(store, actor, tab, cursor=cursor, limit=limit)
        assert 0 < len(part.rows) <= limit
        found += part.rows
        if not (cursor := part.next):
            return found


def test_tabs_and_their_order(store: Store) -> None:
    sure, dust, unsure, urgent = stored(store, SURE, DUST, UNSURE, URGENT_TEXT)
    assert numbers(listed(store, LEAD, Tab.URGENT)) == [urgent]
    assert numbers(listed(store, LEAD, Tab.REVIEW))[:2] == [urgent, unsure]
    assert numbers(listed(store, LEAD, Tab.ALL)) == [urgent, unsure, sure, dust]
    assert numbers(listed(store, LI, Tab.ALL)) == [urgent, unsure, sure]
    assert numbers(listed(store, ZHAO, Tab.ALL)) == []


def test_what_is_due_first_comes_first(store: Store) -> None:
    late, early = stored(store, SURE), stored(store, SURE, received_at=AT - timedelta(days=3))
    assert numbers(listed(store, LI, Tab.ALL)) == early + late


def test_a_row_tells_what_one_chooses_by(store: Store) -> None:
    (number,) = stored(store, URGENT_TEXT * 100, channel="12309", id="A-7", title="求助")
    with store.database.write() as connection:
        leases.take(connection, WANG, number, NOW)
    (row,) = listed(store, LI, Tab.URGENT).rows
    assert (row.reference, row.title, row.channel) == ("A-7", "求助", "12309")
    assert row.excerpt == (URGENT_TEXT * 100)[:200]
    assert (row.label, row.version, row.confidence) == (URGENT, 0, 0.91)
    assert row.lease is not None
    assert row.lease.holder == WANG.name


def test_done_is_newest_first_and_leaves_the_open_tabs(store: Store) -> None:
    first, second, dust = stored(store, SURE, UNSURE, DUST)
    for turn, number in enumerate((second, first, dust)):
        later = NOW + timedelta(minutes=turn)
        judged(store, WANG, number, 0, CIVIL if number != dust else ADMINISTRATIVE, now=later)
    assert numbers(listed(store, LEAD, Tab.DONE)) == [dust, first, second]
    # What one has sent to another department is still there to be taken back.
    assert numbers(listed(store, WANG, Tab.DONE)) == [dust, first, second]
    assert numbers(listed(store, LI, Tab.DONE)) == [first, second]
    assert numbers(listed(store, LEAD, Tab.ALL)) == []


def test_mine_is_what_i_have_open_and_what_i_judged(store: Store) -> None:
    judged_by_me, open_here, other = stored(store, SURE, SURE, SURE)
    judged(store, LI, judged_by_me, 0, ADMINISTRATIVE)
    judged(store, WANG, other, 0, CIVIL)
    with store.database.write() as connection:
        leases.take(connection, LI, open_here, NOW)
    assert numbers(listed(store, LI, Tab.MINE)) == [open_here, judged_by_me]
    first = listed(store, LI, Tab.MINE, limit=1)
    assert numbers(first) == [open_here]
    assert numbers(listed(store, LI, Tab.MINE, cursor=first.next, limit=1)) == [judged_by_me]


def test_pages_have_every_row_once(store: Store) -> None:
    chosen = random.Random(7)
    texts = [chosen.choice((DUST, UNSURE, URGENT_TEXT, SURE)) for _ in range(60)]
    records = [
        record(text, at=AT + timedelta(hours=chosen.randrange(200)), channel="网站")
        for text in texts
    ]
    with store.database.write() as connection:
        made = insert_messages(connection, store.calendar, records)
    found = all_pages(store, LEAD, Tab.ALL, 7)
    keys = [(row.due_on, row.message_id) for row in found]
    assert sorted(row.message_id for row in found) == made
    assert [due for due, _ in keys] == sorted(due for due, _ in keys)
    for turn, number in enumerate(made[:20]):
        judged(store, LEAD, number, 0, CIVIL, now=NOW + timedelta(seconds=turn // 3))
    done = all_pages(store, LEAD, Tab.DONE, 3)
    assert [row.message_id for row in done] == sorted(
        made[:20], key=lambda number: (made.index(number) // 3, number), reverse=True
    )
    assert len(all_pages(store, LEAD, Tab.MINE, 6)) == 20


def test_a_page_goes_on_though_rows_before_it_are_done(store: Store) -> None:
    made = stored(store, *[SURE] * 6)
    first = listed(store, LI, Tab.ALL, limit=3)
    for number in made[:3]:
        judged(store, LI, number, 0, CIVIL)
    assert numbers(listed(store, LI, Tab.ALL, cursor=first.next, limit=3)) == made[3:]


FILTERED = (
    (Filters(departments=frozenset({Department.PUBLIC_INTEREST})), [1]),
    (Filters(departments=frozenset({Department.COMPLAINTS})), []),
    (Filters(channel="12309"), [2, 3]),
    (Filters(since=AT + timedelta(minutes=2)), [2, 3]),
    (Filters(until=AT + timedelta(minutes=2)), [0, 1]),
    (Filters(reason=Reason.LIVELIHOOD), [3]),
    (Filters(reason=Reason.DEADLINE), []),
    (Filters(text="三万"), [0]),
    (Filters(text="冻结", channel="12309", reason=Reason.LIVELIHOOD), [3]),
    (Filters(text="?"), [0, 1, 2, 3]),
)


def test_filters(store: Store) -> None:
    made = stored(store, SURE, DUST)
    later = [
        record(text, channel="12309", at=AT + timedelta(minutes=minute))
        for minute, text in ((2, UNSURE), (3, URGENT_TEXT))
    ]
    with store.database.write() as connection:
        made += insert_messages(connection, store.calendar, later)
    for filters, wanted in FILTERED:
        found = numbers(listed(store, LEAD, Tab.ALL, filters))
        assert sorted(found) == [made[at] for at in wanted], filters
        with store.database.read() as connection:
            assert counts(connection, LEAD, filters, NOW)[Tab.ALL] == len(wanted), filters


def test_counts_are_of_what_one_may_see(store: Store) -> None:
    made = stored(store, SURE, DUST, UNSURE, URGENT_TEXT)
    judged(store, LI, made[0], 0, ADMINISTRATIVE)
    with store.database.write() as connection:
        leases.take(connection, LI, made[2], NOW)
    with store.database.read() as connection:
        found = counts(connection, LI, Filters(), NOW)
        assert counts(connection, ZHAO, Filters(), NOW)[Tab.DONE] == 1
    assert found[Tab.URGENT] == 1
    assert found[Tab.ALL] == 2
    assert found[Tab.MINE] == 2
    assert found[Tab.DONE] == 1


def test_words_are_counted_as_the_rest_is(store: Store) -> None:
    made = stored(store, SURE, SURE, SURE, URGENT_TEXT)
    judged(store, LI, made[0], 0, ADMINISTRATIVE)
    with store.database.write() as connection:
        leases.take(connection, LI, made[1], NOW)
    for actor in (LI, ZHAO, LEAD):
        for words in (Filters(text="三万元"), Filters(text="三万元", departments=CIVIL_ALONE)):
            with store.database.read() as connection:
                found = counts(connection, actor, words, NOW)
            pages = {tab: len(listed(store, actor, tab, words).rows) for tab in Tab}
            assert found == pages, (actor, words)
            assert any(found.values()) or actor is ZHAO, (actor, words)


def test_a_frequent_phrase_is_found_in_place(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where PostgreSQL would read thousands of rows for it, it is looked for in the list's rows."""
    monkeypatch.setattr(search, "FEW", 1)
    made = stored(store, SURE, "有三万多,要还欠款的万元户", SURE, DUST)
    asked = Filters(text="三万元")
    assert numbers(listed(store, LEAD, Tab.ALL, asked)) == [made[0], made[2]]
    with store.database.read() as connection:
        assert counts(connection, LEAD, asked, NOW)[Tab.ALL] in (2, 3)  # roughly


@pytest.mark.parametrize(
    "cursor",
    ["!", "WzFd", "W10", "é", encode("done", (AT, 3)), encode("all", (AT.date(), 1, 2**70)),
     encode("all", (AT.date(), 1)), "A" * 5000, "W" * 100],
)  # fmt: skip
def test_a_cursor_of_something_else_is_refused(cursor: str) -> None:
    with pytest.raises(CursorError):
        decode("all", (date, int, int), cursor)


def test_a_cursor_is_read_back() -> None:
    given = (AT.date(), 3, 2**40)
    assert decode("all", (date, int, int), encode("all", given)) == given


def test_every_range_is_read_from_its_index(store: Store) -> None:
    """A plan that sorts would read the whole queue for each page."""
    stored(store, *[SURE] * 5)
    told: list[tuple[str, Any]] = []

    def note(_c: object, _cursor: object, statement: str, given: object, *_: object) -> None:
        told.append((statement, given))

    explain = "EXPLAIN QUERY PLAN " if store.database.is_sqlite else "EXPLAIN "
    with store.database.read() as connection:
        if not store.database.is_sqlite:  # it does not take an index for five rows
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
            connection.exec_driver_sql("SET LOCAL enable_sort = off")
        for tab, name in INDEXES.items():
            told.clear()
            event.listen(store.database.engine, "before_cursor_execute", note)
            page(connection, LEAD, tab, Filters(), None, 5, NOW)
            event.remove(store.database.engine, "before_cursor_execute", note)
            for statement, given in told[:4]:  # one for each department
                plan = connection.exec_driver_sql(explain + statement, given).all()
                shown = " ".join(str(part) for row in plan for part in row)
                assert name in shown, shown
                assert "TEMP B-TREE" not in shown, shown
                assert "Sort" not in shown, shown
