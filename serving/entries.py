"""The messages of a request, each with the names under which it may come again."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from serving.problems import ProblemError
from serving.store.repeats import Answered, Name
from serving.worker import parse_json


@dataclass(slots=True, eq=False)
class Entry:
    """One message of a request. It ends with an `answer`, stored under `number`, or a `problem`.

    `names`: what it is called, each with the digest of what is asked under it; `whole` is the name
    of the batch that it came in. `twin` is an earlier entry of the same request with the same id:
    it is asked once.
    """

    caller: str
    value: object = None
    names: dict[Name, bytes] = field(default_factory=dict)
    whole: Mapping[Name, bytes] = field(default_factory=dict)
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

    def repeat(self, known: Mapping[Name, Answered]) -> dict[Name, tuple[bytes, int]] | None:
        """Where it is `known` it was answered before: the same again, unless it is another request.

        Returns its other names, to be kept for the same message; None where it is not known.
        """
        mine = [name for name in self.names if name in known]
        if not mine:
            return None
        before = known[mine[0]]
        if before.digest != self.names[mine[0]]:
            self.problem = ProblemError("changed_request")
            return {}
        self.answer, self.number = before.answer.encode(), before.message_id
        others = [(name, digest) for name, digest in self.names.items() if name not in known]
        return {name: (digest, before.message_id) for name, digest in others}


def of_one(caller: str, body: bytes, key: str | None, *, explain: bool) -> Entry:
    """A message, named by a key and by its own id."""
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
    return Entry(caller, value, dict.fromkeys(names, hashlib.sha256(told).digest()))


def of_batch(
    caller: str, bodies: Sequence[bytes], key: str | None, *, explain: bool
) -> tuple[list[Entry], dict[Name, bytes]]:
    """Those of a batch, named by the key and their place, and the name of the whole."""
    # No key has a space in it: a place is never the key of another request.
    entries = [
        of_one(caller, body, key and f"{key} {at}", explain=explain)
        for at, body in enumerate(bodies)
    ]
    if key is None:
        return entries, {}
    told = hashlib.sha256(b"batch")
    for entry in entries:
        told.update(next(iter(entry.names.values()), b""))
    return entries, {Name(caller, "key", key): told.digest()}
