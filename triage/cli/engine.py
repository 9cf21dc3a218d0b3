"""Where rows are decided: in this process, or in several where there are enough of them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import Final, Protocol

from triage.cli.loading import Loaded, Task
from triage.io import Chunk, Decided, Encode, InputRow, chunks
from triage.types import Versions

_CHUNK_ROWS: Final = 32
_CHUNK_CHARACTERS: Final = 32_768
# What a process must have to do: it starts in the time of 100 rows, but beside the others.
_ROWS_A_PROCESS: Final = 64
_EXPLAINED_A_PROCESS: Final = 4


class Engine(Protocol):
    """Decides chunks of rows."""

    @property
    def versions(self) -> Versions:
        """What decides."""
        ...

    def run(self, chunks: Iterator[Chunk]) -> Iterator[Decided]:
        """The results of all chunks, in order."""
        ...


class _Here:
    """This process."""

    def __init__(self, loaded: Loaded, encode: Encode) -> None:
        self._loaded, self._encode = loaded, encode
        self.versions = loaded.versions

    def run(self, chunks: Iterator[Chunk]) -> Iterator[Decided]:
        """Results as soon as they are there."""
        return (self._loaded.decide(chunk, self._encode) for chunk in chunks)


class Load:
    """The rows to decide; some are read ahead, to see how many `processes` they are worth."""

    def __init__(self, rows: Iterable[InputRow], task: Task, workers: int) -> None:
        stream = iter(rows)
        each = _EXPLAINED_A_PROCESS if task.explain else _ROWS_A_PROCESS
        ahead = list(islice(stream, each * workers if workers > 1 else 0))
        self.processes = max(1, min(workers, len(ahead) // each))
        self.seen = len(ahead)
        size = _CHUNK_ROWS if self.processes > 1 else 1
        self.chunks = chunks(chain(ahead, stream), size=size, characters=_CHUNK_CHARACTERS)


@contextlib.contextmanager
def engine(task: Task, encode: Encode, processes: int) -> Iterator[Engine]:
    """What decides; raises as `load_pipeline` does, and `WorkerError`."""
    if processes < 2:
        yield _Here(task.loaded(), encode)
        return
    from triage.cli.pool import Pool

    with Pool(task, encode, processes) as pool:
        yield pool
