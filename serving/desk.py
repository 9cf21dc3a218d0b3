"""Where requests to classify come in: what was asked before is answered again, what is decided is
stored before it is answered, where there is a store."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Protocol

from serving.entries import Entry
from serving.metrics import Metrics
from serving.problems import ProblemError
from serving.recorder import Recorder
from serving.service import Asked
from serving.worker import parse_json
from triage.io.messages import Fault


def parse_batch(body: bytes, most: int) -> list[bytes]:
    """The entries of a batch, each still to be checked, as bodies of their own.

    Raises:
        ProblemError: `invalid_json`, or `invalid_batch` where the envelope is wrong.
    """
    try:
        value = parse_json(body)
    except (ValueError, RecursionError):
        raise ProblemError("invalid_json") from None
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
        return [json.dumps(entry).encode() for entry in value["messages"]]
    raise ProblemError("invalid_batch", faults=(fault,))


class Decider(Protocol):
    """What decides: `Service`."""

    async def decide(self, body: bytes, asked: Asked) -> bytes:
        """See `Service.decide`."""
        ...

    async def decide_all(self, bodies: Sequence[bytes], asked: Asked) -> list[bytes | ProblemError]:
        """See `Service.decide_all`."""
        ...

    def check_batch(self) -> None:
        """See `Service.check_batch`."""


class Desk:
    """Answers requests by the service, and by the recorder where decisions are stored."""

    def __init__(
        self, service: Decider, recorder: Recorder | None, metrics: Metrics, most: int
    ) -> None:
        self._service = service
        self._recorder = recorder
        self._metrics = metrics
        self._most = most

    async def one(self, body: bytes, asked: Asked) -> tuple[bytes, int | None]:
        """The decision for the message in `body`, as JSON, and the number it is stored under.

        Raises:
            ProblemError: no message that can be classified, no time for it, or not stored.
            ClientDisconnect: the client went first.
        """
        if self._recorder is None:
            return await self._service.decide(body, asked), None
        opened = self._recorder.opened_one(asked.caller, body, asked.key, explain=asked.explain)
        async with opened as entry:
            if not entry.is_done:
                entry.answer = await self._service.decide(body, asked)
                await self._recorder.keep([entry])
            return entry.result(), entry.number

    async def batch(self, body: bytes, asked: Asked) -> bytes:
        """A decision or a problem for each message in `body`, in order, as JSON.

        Raises:
            ProblemError: the body is no JSON or no batch, or there is no time for it.
            ClientDisconnect: the client went first.
        """
        self._service.check_batch()
        bodies = await asyncio.to_thread(parse_batch, body, self._most)
        if self._recorder is None:
            outcomes = await self._service.decide_all(bodies, asked)
        else:
            opened = self._recorder.opened_batch(
                asked.caller, bodies, asked.key, explain=asked.explain
            )
            async with opened as entries:
                outcomes = await self._recorded(self._recorder, bodies, entries, asked)
        parts = [self._part(outcome, asked.request_id) for outcome in outcomes]
        return b'{"results":[' + b",".join(parts) + b"]}"

    async def _recorded(
        self, recorder: Recorder, bodies: Sequence[bytes], entries: list[Entry], asked: Asked
    ) -> list[bytes | ProblemError]:
        open_ones = [(b, e) for b, e in zip(bodies, entries, strict=True) if not e.is_done]
        if open_ones:
            outcomes = await self._service.decide_all([body for body, _ in open_ones], asked)
            decided = []
            for (_, entry), outcome in zip(open_ones, outcomes, strict=True):
                if isinstance(outcome, ProblemError):
                    entry.problem = outcome
                else:
                    entry.answer = outcome
                    decided.append(entry)
            await recorder.keep(decided)
        return [entry.outcome() for entry in entries]

    def _part(self, outcome: bytes | ProblemError, request_id: str) -> bytes:
        if isinstance(outcome, bytes):
            return outcome
        self._metrics.refusals.labels(outcome.code).inc()
        return outcome.problem(request_id).model_dump_json().encode()
