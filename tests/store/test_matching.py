"""Messages of one matter get one cluster: whatever is restarted, runs twice, or is purged."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections import defaultdict
from datetime import timedelta

import pytest
from sqlalchemy import delete, event, func, select, update

from serving.sketcher import Sketcher
from serving.store import matching, search, sketch
from serving.store.intake import insert_messages
from serving.store.matching import Sketched
from serving.store.opening import Store
from serving.store.tables import bands, messages, sketches
from tests.store.matters import ALIKE, CLOSINGS, GREETINGS, MATTERS, RETOLD, variants
from tests.store.racing import at_once
from tests.store.records import AT, record, stored
from tests.store.sketching import clusters, sketch_all


def counted(store: Store) -> tuple[int, int]:
    """How many sketches and how many places in bands there are."""
    with store.database.read() as connection:
        kept = connection.scalar(select(func.count()).select_from(sketches))
        places = connection.scalar(select(func.count()).select_from(bands))
    return kept or 0, places or 0


def sketched(store: Store, number: int, text: str) -> int:
    with store.database.write() as connection:
        given = Sketched(number, AT, sketch.signature(None, text))
        return len(matching.assign(connection, [given]))


def test_variants_of_a_matter_fall_together_and_matters_stay_apart(store: Store) -> None:
    told: dict[str, list[str]] = {
        name: [text, *variants(text, seed).values(), *RETOLD.get(name, ())]
        for seed, (name, text) in enumerate(MATTERS.items())
    }
    # As they come: a message of each matter in turn.
    turns = itertools.zip_longest(*told.values())
    named = [(name, text) for turn in turns for name, text in zip(told, turn, strict=True) if text]
    numbers = stored(store, *(text for _, text in named))
    sketch_all(store)
    found = clusters(store)
    together = defaultdict(set)
    for (name, _), number in zip(named, numbers, strict=True):
        together[name].add(found[number])
    assert {name: len(of) for name, of in together.items()} == dict.fromkeys(MATTERS, 1)
    assert len(set().union(*together.values())) == len(MATTERS)
    # A cluster is named by the first of its messages.
    assert set().union(*together.values()) == set(numbers[: len(MATTERS)])


def test_politeness_brings_nothing_together(store: Store) -> None:
    texts = [text for pair in ALIKE for text in pair]
    texts += [GREETINGS[1] + text + CLOSINGS[1] for text in MATTERS.values()]
    texts += ["您好！", "您好！", "！！！"]
    numbers = stored(store, *texts)
    sketch_all(store)
    assert clusters(store) == {number: number for number in numbers}
    assert counted(store) == (len(numbers) - 3, 32 * (len(numbers) - 3))


def test_a_matter_that_rested_for_90_days_is_a_new_one(store: Store) -> None:
    text = MATTERS["quarry"]
    days = (0, 60, 140, 240)
    with store.database.write() as connection:
        given = [record(text, at=AT + timedelta(days=day)) for day in days]
        first, second, third, last = insert_messages(connection, store.calendar, given)
    sketch_all(store)
    found = clusters(store)
    # Each is compared with what came shortly before, not with the first.
    assert [found[number] for number in (first, second, third, last)] == [first, first, first, last]


def test_of_a_mass_mailing_all_belong_together(store: Store) -> None:
    numbers = stored(store, *[MATTERS["lamp"]] * 120)
    sketch_all(store)
    assert set(clusters(store).values()) == {numbers[0]}


def test_what_was_begun_goes_on_after_a_restart(store: Store) -> None:
    stored(store, *MATTERS.values(), *MATTERS.values())
    sketcher = Sketcher(store.database)
    handled = sketcher.step()
    assert 0 < handled < 2 * len(MATTERS)
    before = {number: own for number, own in clusters(store).items() if own is not None}
    assert len(before) == handled
    sketch_all(store)  # by another
    found = clusters(store)
    assert before.items() <= found.items()
    assert len(set(found.values())) == len(MATTERS)
    assert Sketcher(store.database).step() == 0


def test_it_rests_longer_while_messages_come_in(store: Store) -> None:
    sketcher = Sketcher(store.database)
    stored(store, *MATTERS.values())
    sketcher.step()
    busy = sketcher.rest
    sketcher.step()
    quiet = sketcher.rest
    stored(store, MATTERS["milk"])
    sketcher.step()
    assert sketcher.rest == busy > 5 * quiet


def test_a_step_that_fails_leaves_nothing_behind(store: Store) -> None:
    numbers = stored(store, MATTERS["milk"], MATTERS["well"])
    with contextlib.suppress(ZeroDivisionError), store.database.write() as connection:
        for number, name in zip(numbers, ("milk", "well"), strict=True):
            given = Sketched(number, AT, sketch.signature(None, MATTERS[name]))
            assert matching.assign(connection, [given]) == [number]
        raise ZeroDivisionError
    assert counted(store) == (0, 0)
    assert set(clusters(store).values()) == {None}


def test_a_purged_message_is_not_sketched_even_if_it_was_read_before(store: Store) -> None:
    (number,) = stored(store, MATTERS["bus"])
    with store.database.write() as connection:
        connection.execute(update(messages).values(text=None, title=None, purged_at=AT))
    assert sketched(store, number, MATTERS["bus"]) == 0
    assert counted(store) == (0, 0)
    sketch_all(store)
    assert clusters(store) == {number: number}
    assert counted(store) == (0, 0)


def test_a_message_is_sketched_once(store: Store) -> None:
    numbers = stored(store, MATTERS["bus"], MATTERS["bus"])
    sketch_all(store)
    before, kept = clusters(store), counted(store)
    assert sketched(store, numbers[1], MATTERS["milk"]) == 0
    assert (clusters(store), counted(store)) == (before, kept)
    assert sketched(store, 10_000, "没有这一条留言") == 0


def test_removed_sketches_are_gone_and_clusters_stay(store: Store) -> None:
    numbers = stored(store, MATTERS["bus"], MATTERS["bus"], MATTERS["milk"])
    sketch_all(store)
    with store.database.write() as connection:
        sketch.remove(connection, numbers[:2])
    assert counted(store) == (1, 32)
    assert clusters(store)[numbers[1]] == numbers[0]
    (late,) = stored(store, MATTERS["bus"])
    sketch_all(store)
    assert clusters(store)[late] == late


def test_two_at_once_do_everything_once(store: Store) -> None:
    texts = [text for _ in range(6) for text in MATTERS.values()]
    numbers = stored(store, *texts)
    handled: list[int] = []

    def work() -> None:
        sketcher = Sketcher(store.database)
        while None in clusters(store).values():
            handled.append(sketcher.step())

    at_once(lambda _: work(), range(2))
    assert sum(handled) == len(numbers)
    assert len(set(clusters(store).values())) == len(MATTERS)
    assert counted(store) == (len(numbers), 32 * len(numbers))


def test_it_works_beside_the_service_and_outlives_an_error(
    store: Store, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("serving.sketcher._IDLE_SECONDS", 0.01)
    monkeypatch.setattr("serving.sketcher._FAILED_SECONDS", 0.01)
    (number,) = stored(store, MATTERS["police"])
    with store.database.write() as connection:
        # In the way of the first step: a sketch that nobody should have made.
        connection.execute(sketches.insert().values(message_id=number, signature=b"x"))

    async def main() -> None:
        running = asyncio.create_task(Sketcher(store.database).run())
        while not caplog.records:
            await asyncio.sleep(0.01)
        with store.database.write() as connection:
            connection.execute(delete(sketches))
        while None in clusters(store).values():
            await asyncio.sleep(0.01)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    asyncio.run(asyncio.wait_for(main(), 20))
    assert clusters(store) == {number: number}
    assert MATTERS["police"][:6] not in caplog.text


def test_who_has_no_cluster_is_found_by_an_index(store: Store) -> None:
    stored(store, MATTERS["milk"])
    with store.database.read() as connection:
        asked = []
        event.listen(connection, "before_cursor_execute", lambda *told: asked.append(told[2:4]))
        matching.waiting(connection, 8)
        ((sql, given),) = asked
        if store.database.is_sqlite:
            plan = str(connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", given).all())
        else:
            # It would read so small a table whole.
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
            plan = str(connection.exec_driver_sql(f"EXPLAIN {sql}", given).all())
    assert "ix_items_cluster" in plan
    assert "TEMP B-TREE" not in plan
    assert "Sort" not in plan


def test_it_makes_messages_searchable_once(store: Store) -> None:
    def found() -> list[int]:
        with store.database.read() as connection:
            condition = search.contains(connection, "扬尘", messages.c.id)
            assert condition is not None
            return list(connection.scalars(select(messages.c.id).where(condition)))

    records = [record("工地扬尘很大"), record("别的事情要问")]
    with store.database.write() as connection:
        number, other = insert_messages(connection, store.calendar, records, indexed=False)
    assert found() == []
    with store.database.write() as connection:
        search.remove(
            connection, [(number, None, "工地扬尘很大")]
        )  # it is not there: nothing to do
        search.add(connection, [(other, None, "别的事情要问")])  # by somebody else, meanwhile
    while Sketcher(store.database).step():
        pass
    assert found() == [number]
    with store.database.write() as connection:
        assert search.known(connection, [number, other, 99]) == {number, other}
        search.remove(connection, [(number, None, "工地扬尘很大")])
    assert found() == []
