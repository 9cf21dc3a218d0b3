"""Old words are gone, from the files too; labels and figures stay."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Table, func, select, update

from serving.store import retention, search
from serving.store.actors import COMMAND
from serving.store.intake import insert_messages
from serving.store.opening import Store
from serving.store.retention import Purged, purge
from serving.store.statistics import overview
from serving.store.tables import audit, bands, corrections, decisions, items, messages, sketches
from tests.store.people import LEAD, NOTHING, NOW, judged, seen
from tests.store.postgres import KINDS
from tests.store.records import AT, record
from tests.store.sketching import sketch_all

OLD, YOUNG = AT - timedelta(days=200), AT
BEFORE = AT - timedelta(days=180)
SECRET, OTHER = "龘靐齉爩驫麤", "鱻飍灪籱"
TEXT = f"姓{SECRET}，工地扬尘扰民，住在{SECRET}路"


@pytest.fixture
def numbers(store: Store) -> list[int]:
    records = [
        record(TEXT, at=OLD, title=SECRET, attachments=({"name": f"{SECRET}.jpg"},)),
        record(f"欠{SECRET}钱", at=OLD),
        record("欠", at=OLD),
        record(f"{OTHER}扬尘", at=YOUNG, title=OTHER),
    ]
    with store.database.write() as connection:
        made = insert_messages(connection, store.calendar, records)
    sketch_all(store)
    judged(store, LEAD, made[0], 0, NOTHING, note=f"给{SECRET}打过电话")
    return made


def purged(store: Store) -> Purged:
    return purge(store, COMMAND, BEFORE, NOW)


def read(store: Store, table: Table) -> list[Any]:
    with store.database.read() as connection:
        return list(connection.execute(select(table).order_by(*table.primary_key)))


def found(store: Store, text: str) -> int:
    with store.database.read() as connection:
        condition = search.contains(connection, text, items.c.message_id)
        assert condition is not None
        return connection.scalar(select(func.count()).select_from(items).where(condition)) or 0


def test_what_is_old_goes_and_labels_stay(store: Store, numbers: list[int]) -> None:
    before = read(store, items)
    with store.database.read() as connection:
        counted = overview(connection, OLD, NOW, NOW)
        assert retention.old(connection, BEFORE, NOW) == Purged(3, 1)
    assert purged(store) == Purged(3, 1, 1)
    gone, kept = read(store, messages)[:3], read(store, messages)[3]
    assert [(row.title, row.text, row.attachments) for row in gone] == [(None, None, [])] * 3
    assert {row.purged_at for row in gone} == {NOW}
    assert (kept.text, kept.purged_at) == (f"{OTHER}扬尘", None)
    assert [row.body is None for row in read(store, decisions)] == [True, True, True, False]
    assert [row.note for row in read(store, corrections)] == [None]
    assert {row.message_id for row in read(store, sketches)} == {numbers[3]}
    assert {row.message_id for row in read(store, bands)} == {numbers[3]}
    assert (found(store, SECRET), found(store, OTHER)) == (0, 1)
    assert read(store, items) == before
    with store.database.read() as connection:
        assert overview(connection, OLD, NOW, NOW) == counted
    assert seen(store, LEAD, numbers[0]).text is None


def test_it_is_in_the_audit_chain_and_done_once(store: Store, numbers: list[int]) -> None:
    assert len(numbers) == 4
    purged(store)
    assert purged(store) == Purged(0, 0, 0)
    (row,) = (row for row in read(store, audit) if row.action == "purge")
    assert '"messages": 3' in row.detail
    with store.database.read() as connection:
        assert store.audit.verify(connection).fault is None


def test_a_note_that_came_later_goes_too(store: Store, numbers: list[int]) -> None:
    purged(store)
    judged(store, LEAD, numbers[1], 0, NOTHING, note=f"{SECRET}来电")
    assert purged(store).messages == 0
    assert [row.note for row in read(store, corrections)] == [None, None]


def test_what_came_today_stays_though_the_letter_is_old(store: Store, numbers: list[int]) -> None:
    with store.database.write() as connection:
        connection.execute(update(messages).values(stored_at=NOW))
    assert purged(store).messages == 0
    assert seen(store, LEAD, numbers[0]).text == TEXT


def test_batches(store: Store, numbers: list[int]) -> None:
    assert purge(store, COMMAND, BEFORE, NOW, batch=2) == Purged(3, 1, 2)
    assert seen(store, LEAD, numbers[2]).text is None


@pytest.mark.parametrize("url", KINDS[:1], indirect=True)
def test_no_byte_is_left_in_the_file(store: Store, numbers: list[int], tmp_path: Path) -> None:
    assert len(numbers) == 4
    # The index holds pairs, each without the bytes that it shares with the pair before.
    pairs = [SECRET[at : at + 2].encode()[2:] for at in range(len(SECRET) - 1)]

    def left(words: list[bytes]) -> list[bytes]:
        held = b"".join(path.read_bytes() for path in tmp_path.iterdir() if path.is_file())
        return [word for word in words if word in held]

    wanted = [SECRET.encode(), *pairs]
    assert left(wanted) == wanted
    purged(store)
    assert left(wanted) == []
    # A journal that is kept would hold pages as they were, as many as the file has.
    assert not (tmp_path / "triage.db-journal").exists()
    store.database.close()
    assert left([OTHER.encode()]) == [OTHER.encode()]
