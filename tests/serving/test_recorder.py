"""What is answered is stored first, once, however often it is asked; on both databases."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, text, update

from serving.desk import Desk
from serving.metrics import Metrics
from serving.problems import ProblemError
from serving.recorder import Recorder
from serving.service import Asked
from serving.store.opening import Store
from serving.store.repeats import KEPT
from serving.store.tables import decisions, items, messages, requests
from tests.fakes import FakeClassifier
from triage.io.messages import message_from

KEYS = int(os.environ.get("REPEATED_KEYS", "50"))


class Deciding:
    """Decides as the fake classifier does, as often as it is asked; counts."""

    def __init__(self) -> None:
        self.asked = 0
        self.wait = asyncio.Event()
        self.wait.set()

    async def decide(self, body: bytes, _: Asked) -> bytes:
        self.asked += 1
        await self.wait.wait()
        return FakeClassifier().classify(message_from(json.loads(body))).model_dump_json().encode()

    async def decide_all(self, bodies: Sequence[bytes], asked: Asked) -> list[bytes | ProblemError]:
        return [
            ProblemError("invalid_message") if body == b"null" else await self.decide(body, asked)
            for body in bodies
        ]

    def check_batch(self) -> None:
        """There is always time."""


async def never() -> None:
    await asyncio.Event().wait()


def asking(key: str | None = None, caller: str = "key:intake", explain: bool = False) -> Asked:
    return Asked(10.0, never, "r", explain, caller, key)


def body(words: str, **given: str) -> bytes:
    return json.dumps({"text": words} | given).encode()


@contextlib.asynccontextmanager
async def desk_of(store: Store) -> AsyncIterator[tuple[Desk, Deciding]]:
    metrics, deciding = Metrics(), Deciding()
    recorder = Recorder(store, metrics)
    writing = asyncio.create_task(recorder.run())
    yield Desk(deciding, recorder, metrics, 256), deciding
    writing.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await writing


def with_desk(store: Store, run: Callable[[Desk, Deciding], Awaitable[None]]) -> None:
    async def all_of_it() -> None:
        async with desk_of(store) as (desk, deciding):
            await run(desk, deciding)

    asyncio.run(all_of_it())


def count(store: Store, table: Any) -> int:
    with store.database.read() as connection:
        return connection.scalar(select(func.count()).select_from(table)) or 0


def test_what_is_answered_is_on_disk(store: Store) -> None:
    async def run(desk: Desk, _: Deciding) -> None:
        answer, number = await desk.one(body("工地扬尘很大", id="a-1", channel="网页"), asking())
        with store.database.read() as connection:
            message = connection.execute(select(messages)).one()
            decision = connection.execute(select(decisions)).one()
            item = connection.execute(select(items)).one()
        assert message.id == decision.message_id == item.message_id == number
        assert (message.text, message.reference, message.caller, message.channel) == (
            "工地扬尘很大", "a-1", "key:intake", "网页",
        )  # fmt: skip
        assert decision.body.encode() == answer
        assert (item.version, item.department, item.done) == (0, "public_interest", False)

    with_desk(store, run)


def test_racing_retries_leave_one_record_each(store: Store) -> None:
    room = asyncio.Semaphore(50)

    async def once(desk: Desk, number: int, by_id: bool) -> bytes:
        given = {"id": f"id-{number}"} if by_id else {}
        key = None if by_id else f"key-{number}"
        while True:
            try:
                return (await desk.one(body(f"第{number}件事", **given), asking(key)))[0]
            except ProblemError as problem:
                if problem.code != "still_running":
                    raise
                await asyncio.sleep(0.05)

    async def ten(desks: tuple[Desk, Desk], number: int) -> None:
        async with room:
            racing = (once(desks[retry % 2], number, number % 4 < 2) for retry in range(10))
            assert len(set(await asyncio.gather(*racing))) == 1

    async def run(desk: Desk, _: Deciding) -> None:
        async with desk_of(store) as (other, _):  # another service on the same database
            await asyncio.gather(*(ten((desk, other), number) for number in range(KEYS)))
        assert count(store, messages) == count(store, requests) == KEYS

    with_desk(store, run)


@pytest.mark.parametrize("name", ["key", "id"])
def test_something_else_under_one_name_is_refused(store: Store, name: str) -> None:
    def ask(words: str, explain: bool = False) -> tuple[bytes, Asked]:
        given = {"id": "a"} if name == "id" else {}
        return body(words, **given), asking("a" if name == "key" else None, explain=explain)

    async def run(desk: Desk, deciding: Deciding) -> None:
        first, number = await desk.one(*ask("工地扬尘"))
        assert await desk.one(*ask("工地扬尘")) == (first, number)
        for changed in (ask("工地噪音"), ask("工地扬尘", explain=True)):
            with pytest.raises(ProblemError, match="changed_request"):
                await desk.one(*changed)
        assert deciding.asked == 1
        # The name is one caller's own.
        mine, asked = ask("工地噪音")
        other = Asked(10.0, never, "r", False, "key:other", asked.key)
        assert (await desk.one(mine, other))[0] != first
        # A day later it is new.
        with store.database.write() as connection:
            connection.execute(update(requests).values(at=datetime.now(UTC) - KEPT))
        assert (await desk.one(*ask("工地噪音")))[1] != number

    with_desk(store, run)


def test_one_that_still_runs_is_not_run_twice(store: Store) -> None:
    async def run(desk: Desk, deciding: Deciding) -> None:
        deciding.wait.clear()
        first = asyncio.create_task(desk.one(body("工地扬尘"), asking("k")))
        await asyncio.sleep(0.1)
        with pytest.raises(ProblemError, match="still_running"):
            await desk.one(body("工地扬尘"), asking("k"))
        with pytest.raises(ProblemError, match="changed_request"):
            await desk.one(body("别的事情"), asking("k"))
        deciding.wait.set()
        await first
        assert deciding.asked == 1

    with_desk(store, run)


def test_a_batch_is_stored_by_its_entries(store: Store) -> None:
    async def run(desk: Desk, deciding: Deciding) -> None:
        entries = [{"text": "工地扬尘", "id": "a"}, None, {"text": "拖欠工资"},
                   {"text": "工地扬尘", "id": "a"}]  # fmt: skip
        batch = json.dumps({"messages": entries}).encode()
        first = json.loads(await desk.batch(batch, asking("b")))["results"]
        assert [entry.get("code") for entry in first] == [None, "invalid_message", None, None]
        assert first[0] == first[3]
        assert count(store, messages) == 2
        assert json.loads(await desk.batch(batch, asking("b")))["results"][::2] == first[::2]
        assert count(store, messages) == 2
        assert deciding.asked == 2

    with_desk(store, run)


def test_a_changed_batch_under_one_key_is_refused(store: Store) -> None:
    def batch(*words: str) -> bytes:
        return json.dumps({"messages": [{"text": each} for each in words]}).encode()

    async def run(desk: Desk, deciding: Deciding) -> None:
        first = await desk.batch(batch("工地扬尘"), asking("b"))
        for changed in (
            batch("工地扬尘", "拖欠工资"),
            batch("拖欠工资"),
            batch("拖欠工资", "噪音"),
        ):
            with pytest.raises(ProblemError, match="changed_request"):
                await desk.batch(changed, asking("b"))
        with pytest.raises(ProblemError, match="changed_request"):
            await desk.one(body("工地扬尘"), asking("b"))
        assert await desk.batch(batch("工地扬尘"), asking("b")) == first
        assert count(store, messages) == 1
        deciding.wait.clear()
        running = asyncio.create_task(desk.batch(batch("甲", "乙"), asking("c")))
        await asyncio.sleep(0.1)
        with pytest.raises(ProblemError, match="still_running"):
            await desk.batch(batch("甲", "乙"), asking("c"))
        deciding.wait.set()
        await running

    with_desk(store, run)


def test_a_new_key_of_a_known_message_is_kept(store: Store) -> None:
    async def run(desk: Desk, _: Deciding) -> None:
        first = await desk.one(body("工地扬尘", id="x"), asking("k1"))
        assert await desk.one(body("工地扬尘", id="x"), asking("k2")) == first
        with pytest.raises(ProblemError, match="changed_request"):
            await desk.one(body("别的事情", id="y"), asking("k2"))
        batch = json.dumps({"messages": [{"text": "工地扬尘", "id": "x"}]}).encode()
        await desk.batch(batch, asking("k3"))
        with pytest.raises(ProblemError, match="changed_request"):
            await desk.batch(batch.replace(b'"x"', b'"z"'), asking("k3"))
        assert count(store, messages) == 1

    with_desk(store, run)


def test_one_that_cannot_be_stored_keeps_no_other_back(store: Store) -> None:
    class Broken(Deciding):
        async def decide(self, body: bytes, asked: Asked) -> bytes:
            return b"{}" if b"broken" in body else await super().decide(body, asked)

    async def run(desk: Desk, _: Deciding) -> None:
        desk._service = Broken()
        asked = (desk.one(body(words), asking()) for words in ("工地扬尘", "broken", "欠薪"))
        outcomes = await asyncio.gather(*asked, return_exceptions=True)
        assert [isinstance(each, ProblemError) for each in outcomes] == [False, True, False]
        assert count(store, messages) == 2

    with_desk(store, run)


def test_what_cannot_be_stored_is_not_answered(store: Store) -> None:
    async def run(desk: Desk, _: Deciding) -> None:
        with store.database.write() as connection:
            connection.execute(text("ALTER TABLE items RENAME TO elsewhere"))
        with pytest.raises(ProblemError, match="storing_failed"):
            await desk.one(body("工地扬尘"), asking())
        with store.database.write() as connection:
            connection.execute(text("ALTER TABLE elsewhere RENAME TO items"))
        assert count(store, messages) == 0
        await desk.one(body("工地扬尘"), asking())
        assert count(store, messages) == 1

    with_desk(store, run)


def test_any_text_is_stored(store: Store) -> None:
    async def run(desk: Desk, _: Deciding) -> None:
        words = "工地\0扬尘'\"\\;--%s{}\u202e\U0001f600"
        _, number = await desk.one(body(words, id="a\0b", title="\0"), asking())
        with store.database.read() as connection:
            kept = connection.scalar(select(messages.c.text).where(messages.c.id == number))
        assert kept == words.replace("\0", "\ufffd")

    with_desk(store, run)


def test_old_names_are_forgotten(store: Store) -> None:
    from serving.store import repeats

    async def run(desk: Desk, _: Deciding) -> None:
        await desk.one(body("工地扬尘"), asking("old"))
        with store.database.write() as connection:
            repeats.forget(connection, datetime.now(UTC) + KEPT - timedelta(minutes=1))
            assert connection.scalar(select(func.count()).select_from(requests)) == 1
            repeats.forget(connection, datetime.now(UTC) + KEPT + timedelta(minutes=1))
            assert connection.scalar(select(func.count()).select_from(requests)) == 0

    with_desk(store, run)
