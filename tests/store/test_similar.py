"""What people decided before on the same matter comes first, and only what exists for who asks."""

from __future__ import annotations

from datetime import timedelta

import pytest

from serving.store.actors import Actor
from serving.store.errors import NotFoundError
from serving.store.opening import Store
from serving.store.similar import Similar, count_same, similar_reviewed
from serving.store.tables import messages
from tests.store.matters import MATTERS, RETOLD, variants
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
    taken_back,
)
from tests.store.records import AT, stored
from tests.store.sketching import sketch_all

FOOD = (
    "枫林小学门口的烧烤摊用过期的肉，孩子吃了肚子疼，向市场监管所投诉，工作人员来看了一眼就走了。"
)


def similar(store: Store, actor: Actor, number: int, most: int = 3) -> list[Similar]:
    with store.database.read() as connection:
        return similar_reviewed(connection, actor, number, most)


def same(store: Store, number: int, days: float) -> int:
    with store.database.read() as connection:
        return count_same(connection, number, AT - timedelta(days=days))


def test_the_same_matter_comes_first_then_what_is_alike(store: Store) -> None:
    ways = variants(MATTERS["milk"])
    texts = [FOOD, MATTERS["lamp"], ways["edited"], ways["shortened"], MATTERS["milk"]]
    food, lamp, edited, shortened, asked = stored(store, *texts)
    sketch_all(store)
    for number in (food, lamp, edited, shortened):
        judged(store, LEAD, number, 0, CIVIL)
    judged(store, LEAD, shortened, 1, NOTHING)
    found = similar(store, LEAD, asked)
    assert [each.message_id for each in found] == [edited, shortened, food]
    assert [each.same for each in found] == [True, True, False]
    assert found[0].similarity > found[1].similarity > found[2].similarity > 0.03
    assert [each.label for each in found] == [CIVIL, NOTHING, CIVIL]
    assert (found[0].reviewer, found[0].reviewed_at) == (LEAD.name, NOW)
    assert found[2].excerpt == FOOD[:200]


def test_what_is_alike_by_chance_is_not_shown(store: Store) -> None:
    numbers = stored(store, *MATTERS.values())
    sketch_all(store)
    for number in numbers[1:]:
        judged(store, LEAD, number, 0, CIVIL)
    assert similar(store, LEAD, numbers[0]) == []


def test_what_nobody_reviewed_or_somebody_took_back_is_not_shown(store: Store) -> None:
    first, _, asked = stored(store, *[MATTERS["bus"]] * 3)
    sketch_all(store)
    assert similar(store, LEAD, asked) == []
    given = judged(store, LEAD, first, 0, CIVIL)
    assert [each.message_id for each in similar(store, LEAD, asked)] == [first]
    taken_back(store, LEAD, given)
    assert similar(store, LEAD, asked) == []


def test_only_what_exists_for_the_actor_is_shown(store: Store) -> None:
    # 扬尘 makes the last one a message of another department.
    texts = [MATTERS["quarry"], MATTERS["quarry"], MATTERS["quarry"] + "扬尘很大。"]
    asked, civil, dust = stored(store, *texts)
    sketch_all(store)
    judged(store, LI, civil, 0, CIVIL)
    judged(store, WANG, dust, 0, ADMINISTRATIVE)
    assert [each.message_id for each in similar(store, LI, asked)] == [civil]
    # WANG may still see what was judged last by WANG; so may who sees all.
    assert [each.message_id for each in similar(store, WANG, asked)] == [civil, dust]
    assert [each.message_id for each in similar(store, LEAD, asked)] == [civil, dust]
    for actor, number in ((ZHAO, asked), (LI, dust), (LEAD, 10_000)):
        with pytest.raises(NotFoundError):
            similar(store, actor, number)


def test_a_message_that_came_a_moment_ago_has_similar_ones(store: Store) -> None:
    (before,) = stored(store, MATTERS["well"])
    sketch_all(store)
    judged(store, LEAD, before, 0, CIVIL)
    (asked,) = stored(store, RETOLD["well"][0])
    assert [each.message_id for each in similar(store, LEAD, asked)] == [before]
    assert same(store, asked, 30) == 0


def test_a_purged_message_is_shown_without_its_text_and_has_none_itself(store: Store) -> None:
    before, asked = stored(store, *[MATTERS["well"]] * 2)
    sketch_all(store)
    judged(store, LEAD, before, 0, CIVIL)
    with store.database.write() as connection:
        purge = messages.update().where(messages.c.id == before)
        connection.execute(purge.values(text=None, title=None, purged_at=AT))
    assert [each.excerpt for each in similar(store, LEAD, asked)] == [None]
    (empty,) = stored(store, "您好！")
    sketch_all(store)
    assert similar(store, LEAD, empty) == []


def test_as_many_as_are_asked_for(store: Store) -> None:
    *before, asked = stored(store, *[MATTERS["wages"]] * 6)
    sketch_all(store)
    for number in before:
        judged(store, LEAD, number, 0, CIVIL)
    assert len(similar(store, LEAD, asked)) == 3
    assert len(similar(store, LEAD, asked, 9)) == 5


def test_the_same_matter_is_counted_without_the_message_itself(store: Store) -> None:
    first, *_ = stored(store, *[MATTERS["wages"]] * 4, MATTERS["bus"])
    sketch_all(store)
    assert same(store, first, 30) == 3
    # They came a minute after one another.
    assert same(store, first, -1.5 / 1440) == 2
    assert same(store, 10_000, 30) == 0
