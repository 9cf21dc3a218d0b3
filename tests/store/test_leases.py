"""Who has a message open is seen by others; two who ask for the next get different ones."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from serving.store import leases
from serving.store.actors import Role, user
from serving.store.errors import NotFoundError
from serving.store.items import lock
from serving.store.leases import LEASE, Lease
from serving.store.opening import Store
from serving.store.queue import Filters, Tab, take_next
from tests.store.people import CIVIL, LEAD, LI, NOW, WANG, ZHAO, judged, seen
from tests.store.racing import at_once
from tests.store.records import stored


def next_of(store: Store, actor=LEAD, tab: Tab = Tab.ALL, now=NOW) -> int | None:  # type: ignore[no-untyped-def]
    with store.database.write() as connection:
        return take_next(connection, actor, tab, Filters(), now)


def opened(store: Store, actor, number: int, now=NOW) -> Lease:  # type: ignore[no-untyped-def]
    with store.database.write() as connection:
        return leases.take(connection, actor, number, now)


def test_an_open_message_says_who_has_it(store: Store) -> None:
    (number,) = stored(store, "欠我三万元不还")
    assert opened(store, LI, number) == Lease(number, LI.name, NOW + LEASE)
    assert seen(store, WANG, number).lease == Lease(number, LI.name, NOW + LEASE)
    assert opened(store, WANG, number).holder == LI.name


def test_a_lease_is_renewed_and_runs_out(store: Store) -> None:
    (number,) = stored(store, "欠我三万元不还")
    opened(store, LI, number)
    later = NOW + timedelta(minutes=4)
    assert opened(store, LI, number, later).until == later + LEASE
    end = later + LEASE
    assert seen(store, WANG, number, end - timedelta(seconds=1)).lease is not None
    assert seen(store, WANG, number, end).lease is None
    assert opened(store, WANG, number, end).holder == WANG.name


def test_a_lease_is_given_back_by_its_holder(store: Store) -> None:
    (number,) = stored(store, "欠我三万元不还")
    opened(store, LI, number)
    for actor, holder in ((WANG, LI.name), (LI, None)):
        with store.database.write() as connection:
            leases.release(connection, actor, number)
        lease = seen(store, WANG, number).lease
        assert (lease and lease.holder) == holder


def test_deciding_gives_it_back(store: Store) -> None:
    (number,) = stored(store, "欠我三万元不还")
    opened(store, LI, number)
    judged(store, LI, number, 0, CIVIL)
    assert seen(store, LI, number).lease is None


def test_the_first_look_is_kept(store: Store) -> None:
    (number,) = stored(store, "欠我三万元不还")
    assert seen(store, LI, number).first_seen_at is None
    opened(store, LI, number)
    opened(store, WANG, number, NOW + timedelta(hours=1))
    assert seen(store, LI, number).first_seen_at == NOW


def test_what_is_not_ones_own_cannot_be_opened(store: Store) -> None:
    (number,) = stored(store, "欠我三万元不还")
    with pytest.raises(NotFoundError):
        opened(store, ZHAO, number)
    assert seen(store, LI, number).first_seen_at is None


def test_the_next_is_the_first_that_is_free(store: Store) -> None:
    first, urgent, last = stored(store, "欠我三万元不还", "账户被冻结了", "拖欠货款")
    assert next_of(store) == urgent
    assert seen(store, LEAD, urgent).first_seen_at == NOW
    opened(store, LI, first)
    assert next_of(store) == last
    assert next_of(store) is None
    assert next_of(store, now=NOW + LEASE) == urgent


def test_the_next_is_of_the_tab_and_the_department(store: Store) -> None:
    dust, unsure, _ = stored(store, "工地扬尘扰民", "你好", "拖欠货款")
    assert next_of(store, LI, Tab.URGENT) is None
    assert next_of(store, LI, Tab.REVIEW) == unsure
    assert next_of(store, ZHAO) is None
    assert next_of(store, WANG) == dust
    assert next_of(store, LEAD, Tab.DONE) is None


def test_more_leases_than_are_tried_at_once(store: Store) -> None:
    numbers = stored(store, *(f"第{number}个人欠我钱" for number in range(25)))
    assert sorted(next_of(store) or 0 for _ in numbers) == numbers
    assert next_of(store) is None


def test_many_who_ask_at_once_get_different_ones(store: Store) -> None:
    numbers = stored(store, *(f"第{number}个人欠我钱" for number in range(24)))
    got: list[int | None] = []

    def work(turn: int) -> None:
        for _ in range(3):
            got.append(next_of(store, user(f"p{turn}", Role.LEAD, [])))  # noqa: PERF401

    at_once(work, range(8))
    assert sorted(number or 0 for number in got) == numbers


def test_what_another_transaction_holds_is_waited_for_where_it_is_the_last(store: Store) -> None:
    if store.database.is_sqlite:
        return  # one writer at a time: there is nothing to wait for
    first, second = stored(store, "欠我三万元不还", "拖欠货款")
    got: list[int | None] = []
    with store.database.write() as connection:
        lock(connection, LEAD, [first])
        assert next_of(store) == second
        waiting = threading.Thread(target=lambda: got.append(next_of(store)))
        waiting.start()
        waiting.join(0.3)
        assert waiting.is_alive()
    waiting.join()
    assert got == [first]
