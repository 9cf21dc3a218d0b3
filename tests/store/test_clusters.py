"""Hot issues: sizes, growth, places, pages; one label for all, each correction on its own."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select

from serving.store import clusters, grouping, places
from serving.store.actors import Actor
from serving.store.clusters import Hot
from serving.store.cursors import CursorError
from serving.store.errors import NotFoundError
from serving.store.grouping import Labelled
from serving.store.intake import insert_messages
from serving.store.labels import Label, LabelError
from serving.store.opening import Store
from serving.store.reviews import ReusedError, Verdict
from serving.store.tables import corrections, messages
from tests.store.matters import MATTERS
from tests.store.people import (
    ADMINISTRATIVE,
    CIVIL,
    LEAD,
    LI,
    NOTHING,
    NOW,
    WANG,
    ZHAO,
    judged,
    new_id,
    seen,
    taken_back,
)
from tests.store.racing import at_once
from tests.store.records import record
from tests.store.sketching import sketch_all
from triage.types import Department

DUST = MATTERS["quarry"] + "扬尘很大。"


def came(store: Store, text: str, *days_ago: float) -> list[int]:
    """Messages that were received so many days before NOW."""
    given = [record(text, at=NOW - timedelta(days=days)) for days in days_ago]
    with store.database.write() as connection:
        numbers = insert_messages(connection, store.calendar, given)
    sketch_all(store)
    return numbers


def hot(store: Store, actor: Actor = LEAD, limit: int = 50, now: datetime = NOW) -> list[Hot]:
    with store.database.read() as connection:
        return clusters.hot(connection, actor, now, limit)


def label(
    store: Store, actor: Actor, cluster: int, given: Label, verdict_id: str | None = None
) -> Labelled:
    verdict = Verdict(verdict_id or new_id(), given, "整组")
    return grouping.label_all(store, actor, cluster, verdict, NOW)


def test_issues_are_ordered_by_growth_then_by_size(store: Store) -> None:
    lamp = came(store, MATTERS["lamp"], 25, 13, 12, 11, 10, 2)
    milk = came(store, MATTERS["milk"], 9, 3, 2, 1)
    wages = came(store, MATTERS["wages"], 20, 19, 18, 1)
    bus = came(store, MATTERS["bus"], 20, 1)
    came(store, MATTERS["well"], 80, 60, 40)
    found = hot(store)
    assert [each.cluster_id for each in found] == [milk[0], wages[0], lamp[0]]
    assert [(each.size, each.recent, each.earlier, each.growth) for each in found] == [
        (4, 3, 1, 2),
        (4, 1, 0, 1),
        (6, 1, 4, -3),
    ]
    assert (found[2].first, found[2].last) == (NOW - timedelta(days=25), NOW - timedelta(days=2))
    assert hot(store, limit=1) == found[:1]
    # One more, and it is one.
    came(store, MATTERS["bus"], 0.5)
    assert bus[0] in [each.cluster_id for each in hot(store)]
    # What is dated in the future has not come yet.
    assert hot(store, now=NOW - timedelta(days=100)) == []


def test_an_old_matter_that_comes_again_is_an_issue_with_all_of_it(store: Store) -> None:
    came(store, MATTERS["pension"], 85, 60, 1)
    (found,) = hot(store)
    assert (found.size, found.recent, found.first) == (3, 1, NOW - timedelta(days=85))


def test_an_issue_tells_what_it_is_about(store: Store) -> None:
    numbers = came(store, MATTERS["quarry"], 3, 2, 1)
    judged(store, LEAD, numbers[0], 0, CIVIL)
    (found,) = hot(store)
    assert found.places == ("青石县", "柳沟镇", "石坝村")
    assert found.excerpt == MATTERS["quarry"][:200]
    assert (found.size, found.open) == (3, 2)
    assert found.departments == {Department.CIVIL: 3}
    with store.database.write() as connection:
        connection.execute(messages.update().values(text=None, title=None))
    (purged,) = hot(store)
    assert (purged.size, purged.excerpt, purged.places) == (3, None, ())


def test_only_what_exists_for_the_actor_counts(store: Store) -> None:
    first, *_ = came(store, MATTERS["quarry"], 5, 4, 3)
    dusty = came(store, DUST, 2, 1)
    assert [each.size for each in hot(store, LEAD)] == [5]
    assert [each.departments for each in hot(store, WANG)] == [
        {Department.CIVIL: 3, Department.PUBLIC_INTEREST: 2}
    ]
    assert [each.size for each in hot(store, LI)] == [3]
    assert hot(store, ZHAO) == []
    with store.database.read() as connection:
        assert clusters.one(connection, LI, first, NOW).size == 3
        page = clusters.members(connection, LI, first, None, 50)
        assert not set(dusty) & {row.message_id for row in page.rows}
        for attempt in (clusters.one, clusters.members):
            with pytest.raises(NotFoundError):
                attempt(connection, ZHAO, first, *([NOW] if attempt is clusters.one else [None, 5]))
            with pytest.raises(NotFoundError):
                attempt(connection, LEAD, 999, *([NOW] if attempt is clusters.one else [None, 5]))


def test_the_members_come_in_pages_newest_first(store: Store) -> None:
    numbers = came(store, MATTERS["wages"], 6, 5, 5, 5, 2)
    with store.database.read() as connection:
        told, cursor = [], None
        while True:
            page = clusters.members(connection, LEAD, numbers[0], cursor, 2)
            told.append([row.message_id for row in page.rows])
            if (cursor := page.next) is None:
                break
        assert told == [[numbers[4], numbers[3]], [numbers[2], numbers[1]], [numbers[0]]]
        with pytest.raises(CursorError):
            clusters.members(connection, LEAD, numbers[0], "WyJkb25lIl0", 2)


def test_one_label_gives_each_message_a_correction_of_its_own(store: Store) -> None:
    numbers = came(store, MATTERS["wages"], *range(5, 0, -1))
    judged(store, LI, numbers[1], 0, ADMINISTRATIVE)
    assert label(store, LEAD, numbers[0], NOTHING) == Labelled(4, 1, 0, None)
    for number in numbers:
        item = seen(store, LEAD, number)
        (made,) = item.history
        assert item.done
        if number == numbers[1]:
            assert (made.actor, made.label, made.cluster_id) == (LI.name, ADMINISTRATIVE, None)
        else:
            assert (made.actor, made.label, made.cluster_id) == (LEAD.name, NOTHING, numbers[0])
            assert (made.note, made.kind, made.version) == ("整组", "correct", 1)
    with store.database.read() as connection:
        assert store.audit.verify(connection).fault is None
        ids = list(connection.scalars(select(corrections.c.id)))
    assert len(ids) == len(set(ids)) == 5
    # Each can be taken back on its own.
    last = seen(store, LEAD, numbers[4]).history[0].id
    taken_back(store, LEAD, last)
    assert not seen(store, LEAD, numbers[4]).done


def test_the_same_request_again_is_the_same(store: Store) -> None:
    numbers = came(store, MATTERS["milk"], 3, 2, 1)
    key = new_id()
    first = label(store, LEAD, numbers[0], CIVIL, key)
    assert first == label(store, LEAD, numbers[0], CIVIL, key) == Labelled(3, 0, 0, None)
    assert label(store, LEAD, numbers[0], CIVIL) == Labelled(0, 3, 0, None)
    # One that was taken back meanwhile is not labelled again by the old request.
    taken_back(store, LEAD, seen(store, LEAD, numbers[2]).history[0].id)
    assert label(store, LEAD, numbers[0], CIVIL, key) == Labelled(3, 0, 0, None)
    assert not seen(store, LEAD, numbers[2]).done
    with pytest.raises(ReusedError):
        label(store, LEAD, numbers[0], NOTHING, key)
    with pytest.raises(ReusedError):
        label(store, WANG, numbers[0], CIVIL, key)


def test_a_request_that_ended_in_the_middle_does_the_rest(store: Store) -> None:
    numbers = came(store, MATTERS["milk"], *range(7, 0, -1))
    verdict = Verdict(new_id(), CIVIL)
    with store.database.write() as connection:
        begun = grouping.label_some(connection, store.audit, LEAD, numbers[0], verdict, NOW, most=3)
    assert begun == Labelled(3, 0, 0, numbers[2])
    assert grouping.label_all(store, LEAD, numbers[0], verdict, NOW) == Labelled(7, 0, 0, None)
    with store.database.read() as connection:
        assert connection.scalar(select(func.count()).select_from(corrections)) == 7


def test_more_messages_than_one_transaction_takes(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grouping.label_some, "__defaults__", (0, 2))
    numbers = came(store, MATTERS["milk"], *range(5, 0, -1))
    assert label(store, LEAD, numbers[0], CIVIL) == Labelled(5, 0, 0, None)


def test_only_messages_that_exist_for_the_actor_are_labelled(store: Store) -> None:
    numbers = came(store, MATTERS["quarry"], 5, 4, 3)
    dusty = came(store, DUST, 2, 1)
    assert label(store, LI, numbers[0], CIVIL) == Labelled(3, 0, 0, None)
    assert [seen(store, LEAD, number).done for number in dusty] == [False, False]
    for actor, cluster in ((ZHAO, numbers[0]), (LEAD, 999)):
        with pytest.raises(NotFoundError):
            label(store, actor, cluster, CIVIL)
    with pytest.raises(LabelError):
        label(store, LEAD, numbers[0], Label("civil", True, ()))
    # Sent to another department, they are still of the issue, and still this actor's to see.
    again = came(store, MATTERS["quarry"], 0.5, 0.4)
    assert label(store, LI, numbers[0], ADMINISTRATIVE) == Labelled(2, 3, 0, None)
    assert {seen(store, LI, number).department for number in again} == {"administrative"}


def test_two_people_label_one_issue_at_once(store: Store) -> None:
    numbers = came(store, MATTERS["milk"], *(day / 10 for day in range(30, 0, -1)))
    results: dict[str, Labelled] = {}

    def work(actor: Actor, given: Label) -> None:
        results[actor.name] = label(store, actor, numbers[0], given)

    at_once(lambda given: work(*given), ((LEAD, CIVIL), (WANG, NOTHING)))
    assert sum(each.labelled for each in results.values()) == 30
    assert sum(each.skipped + each.conflicted for each in results.values()) == 30
    assert {len(seen(store, LEAD, number).history) for number in numbers} == {1}
    with store.database.read() as connection:
        assert store.audit.verify(connection).fault is None


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("举报青石县柳沟镇石坝村的采石场", ["青石县", "柳沟镇", "石坝村"]),
        ("我家住在南岭区桥头街道育才路18号", ["南岭区", "桥头街道", "育才路"]),
        ("雲川市濱湖社區的路燈壞了", ["云川市", "滨湖社区"]),
        ("农贸市场旁边的高速公路上，村民和市民都在小区里", []),
        ("去年十月在西山自治县大河乡修路", ["西山自治县", "大河乡"]),
        ("", []),
    ],
)  # fmt: skip
def test_places_are_found_by_the_rule(text: str, names: list[str]) -> None:
    assert list(places.names(text)) == names


def test_places_that_one_of_several_texts_names_are_left_out() -> None:
    texts = ["在青石县柳沟镇", "在青石县柳沟镇", "在青石县大湾村"]
    assert places.common(texts) == ("青石县", "柳沟镇")
    assert places.common(texts[2:]) == ("青石县", "大湾村")
    assert places.common([]) == ()
