"""No decision is lost, doubled or overwritten unseen; every one of the last ten can be undone."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import func, select

from serving.store import replies
from serving.store.actors import Role, user
from serving.store.errors import NotFoundError, StoreError
from serving.store.labels import Label, LabelError
from serving.store.opening import Store
from serving.store.reviews import ConflictError, ReusedError
from serving.store.tables import audit, corrections
from tests.store.people import (
    ADMINISTRATIVE,
    CIVIL,
    LEAD,
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
from tests.store.records import AT, stored
from triage.types import Reason


def rows(store: Store) -> int:
    with store.database.read() as connection:
        return connection.scalar(select(func.count()).select_from(corrections)) or 0


def test_who_agrees_changes_the_state_and_not_the_label(store: Store) -> None:
    (number,) = stored(store, "欠我三万元不还")
    before = seen(store, LI, number)
    assert (before.version, before.done, before.history) == (0, False, ())
    judged(store, LI, number, 0, CIVIL)
    after = seen(store, LI, number)
    assert (after.version, after.done, after.reviewer) == (1, True, "user:li")
    assert (after.label, after.reviewed_at) == (before.label, NOW)
    assert [made.kind for made in after.history] == ["agree"]


def test_what_is_made_urgent_is_due_on_the_day_it_came(store: Store) -> None:
    (number,) = stored(store, "欠我三万元不还")
    assert seen(store, LI, number).due_on == date(2026, 11, 9)
    judged(store, LI, number, 0, URGENT, note="断了生活来源")
    item = seen(store, LI, number)
    assert (item.label, item.due_on, item.listed) == (URGENT, date(2026, 11, 2), True)
    (made,) = item.history
    assert (made.kind, made.note, made.before, made.was_done) == (
        "correct", "断了生活来源", CIVIL, False,
    )  # fmt: skip
    judged(store, LI, number, 1, CIVIL)
    assert seen(store, LI, number).due_on == date(2026, 11, 9)


def test_nothing_to_handle_stays_with_the_department_of_the_machine(store: Store) -> None:
    asked, sure = stored(store, "你好", "工地扬尘扰民")
    judged(store, WANG, asked, 0, NOTHING)
    judged(store, WANG, sure, 0, NOTHING)
    first, second = seen(store, WANG, asked), seen(store, WANG, sure)
    assert (first.label, first.department, first.history[0].kind) == (NOTHING, "civil", "agree")
    assert second.department == "public_interest"
    assert second.history[0].kind == "correct"


@pytest.mark.parametrize(
    ("label", "field"),
    [
        (Label("civil", True, ()), "reasons"),
        (Label("civil", False, (Reason.DEADLINE,)), "reasons"),
        (Label("criminal", False, ()), "department"),
    ],
)
def test_a_label_that_cannot_be_is_refused(label: Label, field: str) -> None:
    with pytest.raises(LabelError) as caught:
        label.check()
    assert caught.value.field == field


def test_what_cannot_be_is_not_recorded(store: Store) -> None:
    (number,) = stored(store, "欠我三万元不还")
    with pytest.raises(LabelError):
        judged(store, LI, number, 0, Label("civil", True, ()))
    assert seen(store, LI, number).version == 0


def test_the_order_of_reasons_makes_no_difference() -> None:
    one = Label("civil", True, (Reason.LIVELIHOOD, Reason.DEADLINE))
    assert one == Label("civil", True, (Reason.DEADLINE, Reason.LIVELIHOOD, Reason.DEADLINE))


def test_who_comes_later_chooses_though_it_went_elsewhere(store: Store) -> None:
    (number,) = stored(store, "欠我三万元不还")
    judged(store, LEAD, number, 0, ADMINISTRATIVE)
    with pytest.raises(NotFoundError):
        seen(store, LI, number)
    with pytest.raises(ConflictError) as caught:
        judged(store, LI, number, 0, URGENT)
    assert caught.value.latest is not None
    assert caught.value.latest.label == ADMINISTRATIVE
    judged(store, LI, number, 1, URGENT)
    assert seen(store, LI, number).label == URGENT
    # What others decided on among themselves since is none of theirs.
    judged(store, LEAD, number, 2, ADMINISTRATIVE)
    judged(store, ZHAO, number, 3, ADMINISTRATIVE)
    with pytest.raises(NotFoundError):
        judged(store, LI, number, 3, URGENT)


def test_who_comes_later_learns_what_was_decided(store: Store) -> None:
    (number,) = stored(store, "欠我三万元不还")
    judged(store, WANG, number, 0, URGENT)
    with pytest.raises(ConflictError) as caught:
        judged(store, LI, number, 0, CIVIL)
    assert caught.value.version == 1
    assert caught.value.latest is not None
    assert (caught.value.latest.actor, caught.value.latest.label) == ("user:wang", URGENT)
    assert seen(store, LI, number).label == URGENT
    judged(store, LI, number, 1, CIVIL)  # having seen it
    assert [made.actor for made in seen(store, LI, number).history] == ["user:li", "user:wang"]


def test_the_same_decision_again_is_the_same(store: Store) -> None:
    (number,) = stored(store, "欠我三万元不还")
    given = judged(store, LI, number, 0, CIVIL)
    judged(store, WANG, number, 1, URGENT)
    judged(store, LI, number, 0, CIVIL, given)  # its answer was lost on the way
    assert seen(store, LI, number).label == URGENT
    assert rows(store) == 2
    with store.database.read() as connection:
        assert connection.scalar(select(func.count()).select_from(audit)) == 2


def test_a_decision_that_moved_a_message_away_can_be_sent_again(store: Store) -> None:
    (number,) = stored(store, "欠我三万元不还")
    given = judged(store, LI, number, 0, ADMINISTRATIVE)
    judged(store, ZHAO, number, 1, ADMINISTRATIVE)
    with pytest.raises(NotFoundError):
        seen(store, LI, number)
    judged(store, LI, number, 0, ADMINISTRATIVE, given)


def test_an_id_is_for_one_decision(store: Store) -> None:
    first, second = stored(store, "欠我三万元不还", "拖欠货款")
    given = judged(store, LI, first, 0, CIVIL)
    for actor, number, label in ((LI, second, CIVIL), (LI, first, URGENT), (WANG, first, CIVIL)):
        with pytest.raises(ReusedError):
            judged(store, actor, number, 0, label, given)
    assert rows(store) == 1


def test_twins_that_race_are_one(store: Store) -> None:
    first, second = stored(store, "欠我三万元不还", "拖欠货款")
    same, other = new_id(), new_id()
    faults: list[StoreError] = []

    def work(turn: int) -> None:
        judged(store, LI, first, 0, CIVIL, same)
        try:  # an id for two messages: one of them gets it
            judged(store, LI, (first, second)[turn % 2], turn % 2 ^ 1, URGENT, other)
        except StoreError as error:
            faults.append(error)

    at_once(work, range(8))
    assert rows(store) == 2
    assert len(faults) == 4
    assert all(isinstance(fault, ReusedError) for fault in faults)


def test_of_many_who_race_one_wins(store: Store) -> None:
    (number,) = stored(store, "欠我三万元不还")
    won: list[int] = []
    lost: list[int] = []

    def work(turn: int) -> None:
        try:
            judged(store, user(f"p{turn}", Role.LEAD, []), number, 0, CIVIL)
        except ConflictError as error:
            lost.append(error.version)
        else:
            won.append(turn)

    at_once(work, range(8))
    assert (len(won), lost) == (1, [1] * 7)
    assert seen(store, LEAD, number).reviewer == f"user:p{won[0]}"


def test_what_is_not_ones_own_does_not_exist(store: Store) -> None:
    (number,) = stored(store, "工地扬尘扰民")
    for missing in (number, number + 1):
        with pytest.raises(NotFoundError):
            judged(store, LI, missing, 0, CIVIL)
        with pytest.raises(NotFoundError):
            seen(store, LI, missing)


def test_audit_records_tell_versions_and_labels(store: Store) -> None:
    (number,) = stored(store, "欠我三万元不还")
    given = judged(store, LI, number, 0, URGENT, note="断了生活来源")
    taken_back(store, LI, given)
    with store.database.read() as connection:
        told = connection.execute(select(audit).order_by(audit.c.seq)).all()
        assert store.audit.verify(connection).fault is None
    assert [(row.actor, row.action, row.object) for row in told] == [
        ("user:li", "decide", f"message:{number}"),
        ("user:li", "undo", f"message:{number}"),
    ]
    assert '"after": "civil, urgent: livelihood"' in told[0].detail
    assert '"version": 1' in told[0].detail
    assert "生活" not in told[0].detail


def test_a_note_may_hold_any_character(store: Store) -> None:
    (number,) = stored(store, "欠我三万元不还")
    given = judged(store, LI, number, 0, CIVIL, note="坏\0字符")
    judged(store, LI, number, 0, CIVIL, given, note="坏\0字符")
    assert seen(store, LI, number).history[0].note == "坏\ufffd字符"


def test_replies_are_noted_once(store: Store) -> None:
    (number,) = stored(store, "欠我三万元不还")
    for later in (0, 5):
        with store.database.write() as connection:
            at = AT + timedelta(days=later)
            assert replies.mark_replied(connection, store.audit, LI, number, at) == AT
    with store.database.write() as connection:
        replies.mark_answered(connection, store.audit, LI, number, NOW)
    item = seen(store, LI, number)
    assert (item.replied_at, item.answered_at) == (AT, NOW)
    with store.database.write() as connection, pytest.raises(NotFoundError):
        replies.mark_replied(connection, store.audit, ZHAO, number, AT)
    with store.database.read() as connection:
        assert store.audit.verify(connection).records == 2


def test_a_result_counts_as_a_reply(store: Store) -> None:
    (number,) = stored(store, "欠我三万元不还")
    with store.database.write() as connection:
        replies.mark_answered(connection, store.audit, LI, number, NOW)
    assert seen(store, LI, number).replied_at == NOW
