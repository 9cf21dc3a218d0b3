"""Finds out in the background which messages are of the same matter, and makes them searchable."""

from __future__ import annotations

import asyncio
import time
from typing import Final

from serving.logs import failure
from serving.store import matching, search, sketch
from serving.store.engine import Database
from serving.store.matching import Sketched, Waiting

_MOST: Final = 8
_IDLE_SECONDS: Final = 1.0
_FAILED_SECONDS: Final = 10.0
# Decisions come first: it takes no more than a fifth of the time of one core, and a fiftieth while
# messages come in; what is left over then is done when it is quiet.
_REST: Final = 4.0
_BUSY_REST: Final = 50.0


class Sketcher:
    """Gives every stored message a sketch, a cluster and its place in the index, oldest first.

    What it has to do is what has no cluster yet, so that it goes on after a restart where it was.
    Several services may run one each on the same database.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._newest: int | None = None
        self.rest = _REST
        """How many times as long as a step took the rest after it is."""

    async def run(self) -> None:
        """Work until cancelled; what is begun then is finished first."""
        while True:
            began = time.perf_counter()
            step = asyncio.create_task(asyncio.to_thread(self.step))
            try:
                done = await asyncio.shield(step)
            except asyncio.CancelledError:
                await asyncio.wait([step])
                raise
            except Exception as error:  # one bad moment must not end it for good
                pause = _failed(error)
            else:
                pause = self.rest * (time.perf_counter() - began) if done else _IDLE_SECONDS
            await asyncio.sleep(pause)

    def step(self) -> int:
        """Take the next few messages; returns how many have a cluster now that had none.

        Raises:
            StoreError: the database cannot be used; nothing was written.
        """
        with self._database.read() as connection:
            taken = matching.waiting(connection, _MOST)
            newest = matching.newest(connection)
        self.rest = _REST if newest == self._newest else _BUSY_REST
        self._newest = newest
        if not taken:
            return 0
        sketched = [Sketched(each.number, each.received_at, _signature(each)) for each in taken]
        with self._database.write() as connection:
            new = matching.assign(connection, sketched)
            missing = set(new) - search.known(connection, new)
            texts = [(each.number, each.title, each.text) for each in taken if each.text]
            search.add(connection, [(n, title, text) for n, title, text in texts if n in missing])
            return len(new)


def _signature(message: Waiting) -> bytes:
    return b"" if message.text is None else sketch.signature(message.title, message.text)


def _failed(error: Exception) -> float:
    failure("sketching failed", error)
    return _FAILED_SECONDS
