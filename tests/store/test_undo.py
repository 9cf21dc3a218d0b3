"""Every one of the last ten decisions can be taken back, once, and all that was is again."""

from __future__ import annotations

from datetime import timedelta

import pytest

from serving.store.errors import NotFoundError
from serving.store.opening import Store
from serving.store.reviews import ConflictError, ReusedError, Verdict, decide, undo, undoable
from tests.store.people import (
    ADMINISTRATIVE,
    CIVIL,
    LI,
    NOTHING,
    NOW,
    URGENT,
    WANG,
    ZHAO,
    judged,
    new_id,
    seen,
    taken_back,
)
from tests.store.racing import at_once
from tests.store.records import stored
from triage.types import Department


def test_undo_restores_all_that_was(store: Store) -> None:
    (number,) = stored(store, "账户被冻结了")
    before = seen(store, LI, number)
    given = judged(store, LI, number, 0, ADMINISTRATIVE)
    assert taken_back(store, LI, given) == (number, 2)
    after = seen(store, LI, number)
    assert (after.label, after.done, after.due_on) == (before.label, False, before.due_on)
    assert (after.listed, after.reviewer, after.reviewed_at) == (before.listed, None, None)
    assert [made.kind for made in after.history] == ["undo", "correct"]
    assert after.history[0].undoes == given


def test_after_an_undo_the_decision_before_can_be_undone(store: Store) -> None:
    (number,) = stored(store, "欠我三万元不还")
    first = judged(store, LI, number, 0, URGENT)
    second = judged(store, LI, number, 1, NOTHING)
    with pytest.raises(ConflictError):
        taken_back(store, LI, first)
    taken_back(store, LI, second)
    item = seen(store, LI, number)
    assert (item.label, item.done, item.reviewer, item.reviewed_at) == (URGENT, True, LI.name, NOW)
    taken_back(store, LI, first)
    assert not seen(store, LI, number).done
    with pytest.raises(ConflictError):
        taken_back(store, LI, first)


def test_an_undo_sent_again_is_the_same(store: Store) -> None:
    (number,) = stored(store, "欠我三万元不还")
    given, again = judged(store, LI, number, 0, URGENT), new_id()
    for _ in range(2):
        with store.database.write() as connection:
            assert undo(connection, store.audit, LI, again, given, NOW) == (number, 2)
    with store.database.write() as connection, pytest.raises(ReusedError):
        decide(connection, store.audit, LI, number, 2, Verdict(again, CIVIL), NOW)
    with pytest.raises(NotFoundError):  # an undo is not undone but decided anew
        taken_back(store, LI, again)


def test_undos_that_race_take_back_once(store: Store) -> None:
    (number,) = stored(store, "欠我三万元不还")
    given, faults = judged(store, LI, number, 0, URGENT), []

    def work(_: int) -> None:
        try:
            taken_back(store, LI, given)
        except ConflictError as error:
            faults.append(error)

    at_once(work, range(5))
    assert len(faults) == 4
    assert seen(store, LI, number).version == 2


def test_only_the_own_decision_that_holds_is_undone(store: Store) -> None:
    (number,) = stored(store, "欠我三万元不还")
    given = judged(store, LI, number, 0, URGENT)
    with pytest.raises(NotFoundError):
        taken_back(store, WANG, given)
    judged(store, WANG, number, 1, CIVIL)
    with pytest.raises(ConflictError) as caught:
        taken_back(store, LI, given)
    assert caught.value.latest is not None
    assert caught.value.latest.actor == WANG.name


def test_undo_is_ten_deep(store: Store) -> None:
    numbers = stored(store, *(f"第{number}个人欠我钱" for number in range(12)))
    given = [
        judged(store, LI, number, 0, URGENT, now=NOW + timedelta(seconds=turn))
        for turn, number in enumerate(numbers)
    ]
    with store.database.read() as connection:
        assert [held.id for held in undoable(connection, LI)] == given[:1:-1]
        assert undoable(connection, WANG) == []
    for turn in reversed(given[2:]):
        taken_back(store, LI, turn)
    with pytest.raises(ConflictError):
        taken_back(store, LI, given[1])
    with store.database.read() as connection:
        assert undoable(connection, LI) == []


def test_who_moved_a_message_away_can_take_that_back(store: Store) -> None:
    (number,) = stored(store, "欠我三万元不还")
    given = judged(store, LI, number, 0, ADMINISTRATIVE)
    assert seen(store, ZHAO, number).label == ADMINISTRATIVE
    assert seen(store, LI, number).department == Department.ADMINISTRATIVE
    taken_back(store, LI, given)
    with pytest.raises(NotFoundError):
        seen(store, ZHAO, number)
