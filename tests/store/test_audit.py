"""The chain shows every change, and takes records from many at once."""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path

import pytest
from sqlalchemy import delete, func, select, update

from serving.store.audit import Audit, Verified, load_key
from serving.store.errors import StoreError
from serving.store.opening import Store, open_store
from serving.store.tables import audit, audit_head
from tests.store.racing import at_once


def write(store: Store, count: int) -> None:
    for number in range(count):
        with store.database.write() as connection:
            store.audit.append(connection, "user:李", "login", f"{number}", 方式="密码")


def verify(store: Store) -> Verified:
    with store.database.read() as connection:
        return store.audit.verify(connection)


def test_an_empty_chain_is_whole(store: Store) -> None:
    assert verify(store) == Verified(0, bytes(32).hex(), None)


def test_records_of_many_threads_are_one_chain(store: Store) -> None:
    at_once(lambda _: write(store, 10), range(5))
    found = verify(store)
    assert (found.records, found.fault) == (50, None)


def test_it_is_whole_while_somebody_writes(store: Store) -> None:
    ended = threading.Event()

    def write_on() -> None:
        while not ended.is_set():
            write(store, 1)

    writing = threading.Thread(target=write_on)
    writing.start()
    try:
        faults = {store.audit.verify(store.database).fault for _ in range(30)}
    finally:
        ended.set()
        writing.join()
    assert faults == {None}


def test_a_record_undone_with_its_transaction_leaves_no_gap(store: Store) -> None:
    write(store, 1)
    with contextlib.suppress(ZeroDivisionError), store.database.write() as connection:
        store.audit.append(connection, "cli", "purge")
        raise ZeroDivisionError
    write(store, 1)
    assert verify(store).records == 2


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (update(audit).where(audit.c.seq == 2).values(actor="user:王"), "record 2 is not as"),
        (update(audit).where(audit.c.seq == 2).values(detail="{}"), "record 2 is not as"),
        (delete(audit).where(audit.c.seq == 2), "record 2 is missing"),
        (delete(audit).where(audit.c.seq == 4), "records after 3 are missing"),
        (delete(audit_head), "records after 4 are missing"),
    ],
)
def test_a_change_is_found(store: Store, change: object, fault: str) -> None:
    write(store, 4)
    with store.database.write() as connection:
        connection.execute(change)  # type: ignore[call-overload]
    assert str(verify(store).fault).startswith(fault)


def test_another_key_finds_nothing_right(store: Store) -> None:
    write(store, 2)
    with store.database.read() as connection:
        assert Audit(bytes(32)).verify(connection).fault == "record 1 is not as it was written"


def test_the_key_is_made_once_and_is_its_owners(tmp_path: Path) -> None:
    path = tmp_path / "state" / "audit.key"
    assert load_key(path) == load_key(path)
    assert path.stat().st_mode & 0o777 == 0o600
    path.write_text("abc")
    with pytest.raises(StoreError, match="audit key"):
        load_key(path)


def test_nothing_is_counted_twice(store: Store) -> None:
    write(store, 3)
    with store.database.read() as connection:
        assert connection.scalar(select(func.count()).select_from(audit_head)) == 1


def test_the_database_is_its_owners(tmp_path: Path) -> None:
    store = open_store(tmp_path / "state")
    assert store is not None
    store.close()
    for path in (tmp_path / "state", *(tmp_path / "state").iterdir()):
        assert path.stat().st_mode & 0o077 == 0, path
