"""Decisions go to the store before they go to the caller, many in one transaction.

While one transaction is written to disk, what comes meanwhile gathers for the next (group commit),
so that a disk that is slow costs time but no throughput.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import logging
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from serving.logs import operation
from serving.metrics import Metrics
from serving.problems import ProblemError
from serving.store import repeats
from serving.store.errors import DuplicateError, StoreError
from serving.store.intake import Record, insert_messages
from serving.store.opening import Store
from serving.store.repeats import Answered, Name
from serving.worker import parse_json
from triage.io.messages import message_from
from triage.types import Decision

_MOST: Final = 256
_ATTEMPTS: Final = 3
# What comes within this time shares a transaction: it costs most of what a message costs here.
_GATHER_SECONDS: Final = 0.005
_FORGET_SECONDS: Final = 600.0


@dataclass(slots=True, eq=False)
class Entry:
    """One message of a request. It ends with an `answer`, stored under `number`, or a `problem`.

    `twin` is an earlier entry of the same request with the same id: it is asked once.
    """

    caller: str
    value: object = None
    digest: bytes = b""
    names: tuple[Name, ...] = ()
    answer: bytes | None = None
    number: int | None = None
    problem: ProblemError | None = None
    twin: Entry | None = None
    stored: asyncio.Future[None] | None = None

    @property
    def is_done(self) -> bool:
        """Whether nothing is to be decided any more."""
        return bool(self.answer is not None or self.problem or self.twin)

    def outcome(self) -> bytes | ProblemError:
        """The answer or the problem."""
        if self.twin:
            return self.twin.outcome()
        assert self.problem or self.answer is not None
        return self.problem or self.answer or b""

    def result(self) -> bytes:
        """The answer; raises the problem where there is none."""
        outcome = self.outcome()
        if isinstance(outcome, ProblemError):
            raise outcome
        return outcome

    def repeat(self, before: Answered) -> None:
        """It was answered before: the same again, unless something else is asked."""
        if before.digest != self.digest:
            self.problem = ProblemError("changed_request")
        else:
            self.answer, self.number = before.answer.encode(), before.message_id


class Recorder:
    """Stores what was decided, and knows what was asked before."""

    def __init__(self, store: Store, metrics: Metrics) -> None:
        self._store = store
        self._seconds = metrics.stages.labels("store")
        self._running: dict[Name, bytes] = {}
        self._pending: list[Entry] = []
        self._work = asyncio.Event()
        self._forgot = time.monotonic()

    @contextlib.asynccontextmanager
    async def opened(
        self, caller: str, bodies: Sequence[bytes], key: str | None, *, explain: bool
    ) -> AsyncIterator[list[Entry]]:
        """An entry for each message; those are done that were asked before or are asked now.

        Raises:
            ProblemError: `storing_failed`.
        """
        if len(bodies) == 1:
            entries = [_entry(caller, bodies[0], key, explain)]
        else:  # many may take long to read
            entries = await asyncio.to_thread(_entries, caller, bodies, key, explain)
        claimed: dict[Name, Entry] = {}
        try:
            for entry in entries:
                self._claim(entry, claimed)
            asked = {name for entry in entries if not entry.is_done for name in entry.names}
            if asked:
                before = await self._find(asked)
                for entry in entries:
                    for name in entry.names:
                        if not entry.is_done and name in before:
                            entry.repeat(before[name])
            yield entries
        finally:
            for name in claimed:
                del self._running[name]

    def _claim(self, entry: Entry, claimed: dict[Name, Entry]) -> None:
        for name in entry.names:
            if name in self._running:
                if self._running[name] != entry.digest:
                    entry.problem = ProblemError("changed_request")
                elif name in claimed:
                    entry.twin = claimed[name]
                else:
                    entry.problem = ProblemError("still_running")
                return
        for name in entry.names:
            self._running[name] = entry.digest
            claimed[name] = entry

    async def _find(self, names: set[Name]) -> dict[Name, Answered]:
        def find() -> dict[Name, Answered]:
            with self._store.database.read() as connection:
                return repeats.find(connection, names, datetime.now(UTC))

        try:
            return await asyncio.to_thread(find)
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
        self._work.set()
        for future in stored:
            await asyncio.shield(future)
        self._seconds.observe(time.perf_counter() - began)

    async def run(self) -> None:
        """Write what is pending, until cancelled; what is pending then is written first."""
        while True:
            try:
                await self._work.wait()
                await asyncio.sleep(_GATHER_SECONDS)
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
        for attempt in range(_ATTEMPTS):
            try:
                return self._commit_once(batch, again=attempt > 0)
            except DuplicateError:
                # Another service on the same database answered one of them since it was looked
                # for, or its name is a day old and free again.
                if attempt == _ATTEMPTS - 1:
                    raise
        return None

    def _commit_once(self, batch: list[Entry], *, again: bool) -> None:
        now = datetime.now(UTC)
        with self._store.database.write() as connection:
            names = [name for entry in batch for name in entry.names] if again else []
            before = repeats.find(connection, names, now)
            repeats.free(connection, names, now)
            new: list[Entry] = []
            for entry in batch:
                known = [before[name] for name in entry.names if name in before]
                if known:
                    entry.repeat(known[0])
                else:
                    new.append(entry)
            records = [_record(entry, now) for entry in new]
            calendar = self._store.calendar
            numbers = insert_messages(connection, calendar, records, indexed=False)
            given: dict[Name, tuple[bytes, int]] = {}
            for entry, number in zip(new, numbers, strict=True):
                entry.number = number
                given |= dict.fromkeys(entry.names, (entry.digest, number))
            repeats.keep(connection, given, now)
            if time.monotonic() - self._forgot > _FORGET_SECONDS:
                self._forgot = time.monotonic()
                repeats.forget(connection, now)


def _entries(caller: str, bodies: Sequence[bytes], key: str | None, explain: bool) -> list[Entry]:
    """Those of a batch: each is named by the key and its place."""
    return [_entry(caller, body, key and f"{key}#{at}", explain) for at, body in enumerate(bodies)]


def _entry(caller: str, body: bytes, key: str | None, explain: bool) -> Entry:
    try:
        value = parse_json(body)
    except (ValueError, RecursionError):
        return Entry(caller)  # the worker says what is wrong with it
    names = [Name(caller, "key", key)] if key else []
    given = value.get("id") if isinstance(value, dict) else None
    if isinstance(given, str) and 0 < len(given) <= 128 and given.isprintable():
        names.append(Name(caller, "id", given))
    if not names:
        return Entry(caller, value)
    told = json.dumps([explain, value], sort_keys=True).encode()
    return Entry(caller, value, hashlib.sha256(told).digest(), tuple(names))


def _record(entry: Entry, now: datetime) -> Record:
    assert entry.answer is not None
    body = entry.answer.decode()
    decision = Decision.model_validate_json(body)
    return Record(entry.caller, message_from(entry.value), decision, body, now)


def _failed(error: Exception) -> ProblemError:
    operation("storing failed", level=logging.ERROR, exception=type(error).__name__)
    return ProblemError("storing_failed")
