"""Statistics against figures counted by hand, on both databases."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from serving.store import replies
from serving.store.intake import insert_messages
from serving.store.leases import mark_seen
from serving.store.opening import Store
from serving.store.statistics import Channel, Load, Statistics, overview
from tests.store.people import CIVIL, LEAD, LI, NOTHING, URGENT, WANG, judged, taken_back
from tests.store.records import record
from triage.labels import CLASSES

# 00:30 on 2 November in Shanghai, still 1 November in UTC.
NIGHT = datetime(2026, 11, 1, 16, 30, tzinfo=UTC)
SINCE, UNTIL = NIGHT - timedelta(days=30), NIGHT + timedelta(days=30)
DUST, DEBT, FROZEN, SHORT = "工地扬尘很大", "欠我三万元不还", "账户被冻结了", "你好"


def came(store: Store, *given: tuple[str, datetime, str | None]) -> list[int]:
    records = [record(text, at=at, channel=channel) for text, at, channel in given]
    with store.database.write() as connection:
        return insert_messages(connection, store.calendar, records)


def counted(
    store: Store, since: datetime = SINCE, until: datetime = UNTIL, now: datetime = NIGHT
) -> Statistics:
    with store.database.read() as connection:
        return overview(connection, since, until, now)


def test_nothing_is_zero(store: Store) -> None:
    found = counted(store)
    assert (found.total, found.days, found.channels, found.reviewers) == (0, (), (), ())
    assert found.departments == dict.fromkeys(CLASSES, 0)
    assert found.first_look.median_seconds is None


def test_volumes_by_the_days_of_shanghai(store: Store) -> None:
    before = NIGHT - timedelta(hours=1)  # 23:30 on the day before
    numbers = came(store, (DUST, NIGHT, "12309"), (FROZEN, NIGHT, "12309"), (DEBT, before, None),
                   (DEBT, NIGHT + timedelta(days=2), "小程序"))  # fmt: skip
    judged(store, LI, numbers[2], 0, NOTHING)
    found = counted(store)
    assert (found.total, found.urgent) == (4, 1)
    assert [(day.day, day.total, day.urgent) for day in found.days] == [
        (date(2026, 11, 1), 1, 0),
        (date(2026, 11, 2), 2, 1),
        (date(2026, 11, 3), 0, 0),
        (date(2026, 11, 4), 1, 0),
    ]
    assert found.days[0].departments == dict.fromkeys(CLASSES, 0) | {"none": 1}
    assert found.days[1].departments == dict.fromkeys(CLASSES, 0) | {
        "public_interest": 1,
        "civil": 1,
    }
    assert found.departments["civil"] == 2
    assert found.channels[0] == Channel(channel="12309", total=2)
    assert {(one.channel, one.total) for one in found.channels[1:]} == {(None, 1), ("小程序", 1)}
    assert counted(store, since=NIGHT).total == 3
    assert counted(store, until=NIGHT).total == 1


def test_agreement(store: Store) -> None:
    dust, moved, frozen, short, doubted, back, _ = came(
        store, *((text, NIGHT, None) for text in (DUST, DUST, FROZEN, SHORT, SHORT, DUST, DUST))
    )
    judged(store, WANG, moved, 0, CIVIL)
    judged(store, LEAD, moved, 1, URGENT)
    judged(store, LI, frozen, 0, CIVIL)  # not urgent after all
    judged(store, LI, short, 0, NOTHING)
    judged(store, LI, doubted, 0, CIVIL)
    judged(store, LEAD, dust, 0, NOTHING)
    taken_back(store, WANG, judged(store, WANG, back, 0, CIVIL))
    found = counted(store).agreement
    assert (found.judged, found.department, found.urgency) == (5, 3, 3)
    assert found.confusion["public_interest"] == dict.fromkeys(CLASSES, 0) | {"civil": 1, "none": 1}
    assert found.confusion["civil"] == dict.fromkeys(CLASSES, 0) | {"civil": 2}
    assert found.confusion["none"] == dict.fromkeys(CLASSES, 0) | {"none": 1}


def test_time_to_the_first_look_at_what_was_urgent(store: Store) -> None:
    numbers = came(store, *((FROZEN, NIGHT, None) for _ in range(11)), (DEBT, NIGHT, None))
    with store.database.write() as connection:
        for minutes, number in enumerate(numbers[:10], start=1):
            mark_seen(connection, number, NIGHT + timedelta(minutes=minutes))
        mark_seen(connection, numbers[11], NIGHT + timedelta(days=3))
    judged(store, LI, numbers[0], 0, CIVIL)  # was urgent when it came
    found = counted(store).first_look
    assert (found.urgent, found.seen) == (11, 10)
    judged(store, LI, numbers[10], 0, URGENT)  # without opening it
    assert counted(store).first_look.seen == 11
    assert (found.median_seconds, found.p90_seconds) == (5 * 60, 9 * 60)


def test_replies_that_are_late(store: Store) -> None:
    now = NIGHT + timedelta(days=20)
    in_time, late, waiting, urgent, quiet, young = came(
        store,
        *((text, NIGHT, None) for text in (DEBT, DEBT, DUST, FROZEN, DEBT)),
        (DEBT, now, None),
    )
    judged(store, LI, quiet, 0, NOTHING)
    with store.database.write() as connection:
        replies.mark_replied(connection, store.audit, LEAD, in_time, NIGHT + timedelta(days=6))
        replies.mark_replied(connection, store.audit, LEAD, late, NIGHT + timedelta(days=9))
    found = counted(store, now=now).replies
    assert (found.replied, found.late, found.waiting, found.overdue) == (2, 1, 3, 2)
    assert found.overdue_by_department["civil"] == 1
    assert found.overdue_by_department["public_interest"] == 1
    assert len({waiting, urgent, young}) == 3


def test_load_of_reviewers(store: Store) -> None:
    first, second, third = came(store, *((DEBT, NIGHT, None) for _ in range(3)))
    judged(store, LI, first, 0, CIVIL)
    judged(store, LI, second, 0, NOTHING)
    taken_back(store, LI, judged(store, LI, third, 0, URGENT))
    judged(store, LEAD, second, 1, CIVIL)
    judged(store, LEAD, third, 2, CIVIL, now=UNTIL)
    assert counted(store).reviewers == (
        Load(reviewer="user:li", decided=3, agreed=1, corrected=2, undone=1),
        Load(reviewer="user:chen", decided=1, agreed=1, corrected=0, undone=0),
    )
