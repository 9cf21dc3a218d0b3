"""Decisions go to the store before they go to the caller, many in one transaction.

While one transaction is written to disk, what comes meanwhile gathers for the next (group commit),
so that a disk that is slow costs time but no throughput.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from serving.entries import Entry, of_batch, of_one
from serving.logs import operation
from serving.metrics import Metrics
from serving.problems import ProblemError
from serving.store import repeats
from serving.store.errors import DuplicateError, StoreError
from serving.store.intake import Record, insert_messages
from serving.store.opening import Store
from serving.store.repeats import Answered, Name
from triage.io.messages import message_from
from triage.types import Decision

_MOST: Final = 256
_ATTEMPTS: Final = 3
# A transaction costs several times what a message in it does: while others are being decided, what
# is decided waits this long for them (as PostgreSQL's commit_delay with commit_siblings).
_GATHER_SECONDS: Final = 0.02
_FORGET_SECONDS: Final = 600.0


class Recorder:
    """Stores what was decided, and knows what was asked before."""

    def __init__(self, store: Store, metrics: Metrics) -> None:
        self._store = store
        self._seconds = metrics.stages.labels("store")
        self._running: dict[Name, bytes] = {}
        self._pending: list[Entry] = []
        self._work = asyncio.Event()
        self._deciding = 0
        self._alone = asyncio.Event()
        self._forgot = time.monotonic()

    @contextlib.asynccontextmanager
    async def opened_one(
        self, caller: str, body: bytes, key: str | None, *, explain: bool
    ) -> AsyncIterator[Entry]:
        """The entry of a request with one message; it is done where it was asked before.

        Raises:
            ProblemError: `storing_failed`.
        """
        entry = of_one(caller, body, key, explain=explain)
        async with self._opened([entry], {}):
            yield entry

    @contextlib.asynccontextmanager
    async def opened_batch(
        self, caller: str, bodies: Sequence[bytes], key: str | None, *, explain: bool
    ) -> AsyncIterator[list[Entry]]:
        """An entry for each message; those are done that were asked before or are asked now.

        Raises:
            ProblemError: `storing_failed`; `changed_request` or `still_running`, where the key is
                that of another request.
        """
        # Many may take long to read.
        entries, whole = await asyncio.to_thread(of_batch, caller, bodies, key, explain=explain)
        async with self._opened(entries, whole):
            yield entries

    @contextlib.asynccontextmanager
    async def _opened(self, entries: list[Entry], whole: dict[Name, bytes]) -> AsyncIterator[None]:
        for name, digest in whole.items():
            if name in self._running:
                is_same = self._running[name] == digest
                raise ProblemError("still_running" if is_same else "changed_request")
        claimed: dict[Name, Entry | None] = dict.fromkeys(whole)
        self._running |= whole
        self._deciding += len(entries)
        try:
            for entry in entries:
                self._claim(entry, claimed)
            asked = {name for entry in entries if not entry.is_done for name in entry.names}
            if asked:
                await self._look_up(entries, whole, asked | whole.keys())
            yield
        finally:
            self._decided(sum(entry.stored is None for entry in entries))
            for name in claimed:
                del self._running[name]

    def _decided(self, count: int) -> None:
        self._deciding -= count
        if self._deciding == 0:
            self._alone.set()

    def _claim(self, entry: Entry, claimed: dict[Name, Entry | None]) -> None:
        for name, digest in entry.names.items():
            if name in self._running:
                if self._running[name] != digest:
                    entry.problem = ProblemError("changed_request")
                elif twin := claimed.get(name):
                    entry.twin = twin
                else:
                    entry.problem = ProblemError("still_running")
                return
        self._running |= entry.names
        claimed |= dict.fromkeys(entry.names, entry)

    async def _look_up(
        self, entries: list[Entry], whole: dict[Name, bytes], asked: set[Name]
    ) -> None:
        before = await self._find(asked)
        for name, digest in whole.items():
            if name in before and before[name].digest != digest:
                raise ProblemError("changed_request")
        unknown = {name: digest for name, digest in whole.items() if name not in before}
        missing: dict[Name, tuple[bytes, int]] = {}
        for entry in entries:
            if not entry.is_done:
                missing |= entry.repeat(before) or {}
                entry.whole = unknown
        numbers = [entry.number for entry in entries if entry.number is not None]
        if numbers and all(entry.is_done for entry in entries):
            missing |= {name: (digest, numbers[0]) for name, digest in unknown.items()}
        if missing:
            await self._remember(missing)

    async def _find(self, names: set[Name]) -> dict[Name, Answered]:
        def find() -> dict[Name, Answered]:
            with self._store.database.read() as connection:
                return repeats.find(connection, names, datetime.now(UTC))

        try:
            return await asyncio.to_thread(find)
        except StoreError as error:
            raise _failed(error) from None

    async def _remember(self, named: Mapping[Name, tuple[bytes, int]]) -> None:
        """What was asked before is called by another name too."""

        def keep() -> None:
            now = datetime.now(UTC)
            with self._store.database.write() as connection:
                repeats.free(connection, named, now)
                repeats.keep(connection, named, now)

        try:
            await asyncio.to_thread(keep)
        except DuplicateError:
            pass  # another service on the same database did it meanwhile
        except StoreError as error:
            raise _failed(error) from None

    async def keep(self, entries: Sequence[Entry]) -> None:
        """Store entries that have an answer; returns when they are on disk."""
        began = time.perf_counter()
        loop = asyncio.get_running_loop()
        stored = [loop.create_future() for _ in entries]
        for entry, future in zip(entries, stored, strict=True):
            entry.stored = future
        self._pending += entries
        self._decided(len(entries))
        self._work.set()
        for future in stored:
            await asyncio.shield(future)
        self._seconds.observe(time.perf_counter() - began)

    async def run(self) -> None:
        """Write what is pending, until cancelled; what is pending then is written first."""
        while True:
            try:
                await self._work.wait()
                if self._deciding:
                    self._alone.clear()
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(self._alone.wait(), _GATHER_SECONDS)
            except asyncio.CancelledError:
                await self._write()
                raise
            await self._write()

    async def _write(self) -> None:
        self._work.clear()
        while self._pending:
            batch, self._pending = self._pending[:_MOST], self._pending[_MOST:]
            problem = None
            try:
                await asyncio.shield(asyncio.to_thread(self._commit, batch))
            except StoreError as error:
                problem = _failed(error)
            except Exception as error:  # a batch that fails must not end the others
                problem = _failed(error)
            for entry in batch:
                if problem:
                    entry.problem = problem
                if entry.stored is not None and not entry.stored.done():
                    entry.stored.set_result(None)

    def _commit(self, batch: list[Entry]) -> None:
        records: dict[Entry, Record] = {}
        for entry in batch:
            try:
                records[entry] = _record(entry)
            except Exception as error:  # what cannot be stored must not keep the others back
                entry.problem = _failed(error)
        for attempt in range(_ATTEMPTS):
            try:
                return self._commit_once(records, again=attempt > 0)
            except DuplicateError:
                # Another service on the same database answered one of them since it was looked
                # for, or its name is a day old and free again.
                if attempt == _ATTEMPTS - 1:
                    raise
        return None

    def _commit_once(self, records: Mapping[Entry, Record], *, again: bool) -> None:
        now = datetime.now(UTC)
        with self._store.database.write() as connection:
            names = {name for entry in records for name in (*entry.names, *entry.whole)}
            before = repeats.find(connection, names, now) if again else {}
            if again:
                repeats.free(connection, names, now)
            named: dict[Name, tuple[bytes, int]] = {}
            new = []
            for entry in records:
                others = entry.repeat(before)
                if others is None:
                    new.append(entry)
                else:
                    named |= others
            given = [records[entry] for entry in new]
            numbers = insert_messages(connection, self._store.calendar, given, indexed=False)
            for entry, number in zip(new, numbers, strict=True):
                entry.number = number
                own = [*entry.names.items(), *entry.whole.items()]
                for name, digest in own:
                    if name not in before:
                        named.setdefault(name, (digest, number))
            repeats.keep(connection, named, now)
            if time.monotonic() - self._forgot > _FORGET_SECONDS:
                self._forgot = time.monotonic()
                repeats.forget(connection, now)


def _record(entry: Entry) -> Record:
    assert entry.answer is not None
    body = entry.answer.decode()
    decision = Decision.model_validate_json(body)
    return Record(entry.caller, message_from(entry.value), decision, body, datetime.now(UTC))


def _failed(error: Exception) -> ProblemError:
    operation("storing failed", level=logging.ERROR, exception=type(error).__name__)
    return ProblemError("storing_failed")
