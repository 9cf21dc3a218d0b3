"""Classifying off the event loop, in as many threads as the settings say."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Never, Protocol, TypeVar

from serving.logs import failure, operation
from serving.metrics import Metrics
from serving.problems import ProblemError
from triage.errors import InvalidMessageError
from triage.io.messages import Fault, message_from
from triage.types import Decision, Message, Versions

T = TypeVar("T")


class Classifier(Protocol):
    """What the service needs of a pipeline; implementations are thread-safe."""

    @property
    def versions(self) -> Versions:
        """What decides."""
        ...

    def warm_up(self) -> None:
        """Load all that would make the first answer slow."""
        ...

    def classify(self, message: Message, *, explain: bool = False) -> Decision:
        """Decide; with `explain`, say which clauses the encoder leaned on, which takes longer.

        Raises:
            InvalidMessageError: the message cannot be classified.
        """
        ...


def _refuse_constant(_: str) -> Never:
    raise ValueError


def parse_json(body: bytes) -> object:
    """The JSON value of a body.

    Raises:
        ProblemError: `invalid_json`.
    """
    try:
        value: object = json.loads(body.decode("utf-8-sig"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise ProblemError("invalid_json") from None
    return value


def parse_batch(body: bytes, most: int) -> list[object]:
    """The entries of a batch, each still to be checked.

    Raises:
        ProblemError: `invalid_json`, or `invalid_batch` where the envelope is wrong.
    """
    value = parse_json(body)
    if not isinstance(value, dict):
        fault = Fault("body", 'must be an object: {"messages": [...]}')
    elif "messages" not in value:
        fault = Fault("messages", "is missing; it is required")
    elif value.keys() - {"messages"}:
        fault = Fault("body", "has a field beside messages; remove it")
    elif not isinstance(value["messages"], list):
        fault = Fault("messages", "must be a list")
    elif not 1 <= (have := len(value["messages"])) <= most:
        fault = Fault("messages", f"has {have:,} entries; send 1 to {most}")
    else:
        entries: list[object] = value["messages"]
        return entries
    raise ProblemError("invalid_batch", faults=(fault,))


class Service:
    """A classifier with its threads. It is ready once `warm_up` is through."""

    def __init__(self, classifier: Classifier, metrics: Metrics, threads: int) -> None:
        self._classifier = classifier
        self._metrics = metrics
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="classify")
        self.ready = False
        metrics.ready.set(0)
        metrics.serves(classifier.versions)

    async def warm_up(self) -> None:
        """Warm the classifier up, then be ready; a failure is logged and leaves it not ready."""
        began = time.perf_counter()
        try:
            await self._run(self._classifier.warm_up)
        except Exception as error:
            failure("warm-up failed; the service stays not ready", error)
            return
        self.ready = True
        self._metrics.ready.set(1)
        ms = round((time.perf_counter() - began) * 1000)
        operation("ready", warm_up_ms=ms, **self._classifier.versions.model_dump())

    def close(self) -> None:
        """Let running work end and stop the threads."""
        self.ready = False
        self._metrics.ready.set(0)
        self._pool.shutdown(cancel_futures=True)

    async def classify(self, body: bytes, *, explain: bool) -> bytes:
        """The decision for the message in `body`, as JSON.

        Raises:
            ProblemError: the body is no JSON or no message that can be classified.
        """

        def work() -> bytes:
            try:
                message = self._parse(lambda: message_from(parse_json(body)))
                return self._decide(message, explain)
            except InvalidMessageError as error:
                raise ProblemError.of(error) from None

        return await self._run(work)

    async def classify_batch(
        self, body: bytes, most: int, request_id: str, *, explain: bool
    ) -> bytes:
        """A decision or a problem for each message in `body`, in order, as JSON.

        Raises:
            ProblemError: the body is no JSON or no batch.
        """
        entries = await self._run(lambda: self._parse(lambda: parse_batch(body, most)))
        jobs = (self._run(partial(self._entry, entry, request_id, explain)) for entry in entries)
        return b'{"results":[' + b",".join(await asyncio.gather(*jobs)) + b"]}"

    def _entry(self, entry: object, request_id: str, explain: bool) -> bytes:
        try:
            return self._decide(self._parse(lambda: message_from(entry)), explain)
        except InvalidMessageError as error:
            problem = ProblemError.of(error)
        except Exception as error:
            # One entry must not take the answers of the others with it.
            failure("batch entry failed", error, request_id=request_id)
            problem = ProblemError("internal_error")
        self._metrics.refusals.labels(problem.code).inc()
        return problem.problem(request_id).model_dump_json().encode()

    def _parse(self, work: Callable[[], T]) -> T:
        with self._metrics.stages.labels("parse").time():
            return work()

    def _decide(self, message: Message, explain: bool) -> bytes:
        # Explanations take many times longer: they must not hide how fast decisions are.
        with self._metrics.stages.labels("explain" if explain else "classify").time():
            decision = self._classifier.classify(message, explain=explain)
        self._metrics.decided(decision)
        return decision.model_dump_json().encode()

    async def _run(self, work: Callable[[], T]) -> T:
        submitted = time.perf_counter()

        def timed() -> T:
            self._metrics.stages.labels("queue").observe(time.perf_counter() - submitted)
            return work()

        return await asyncio.get_running_loop().run_in_executor(self._pool, timed)
