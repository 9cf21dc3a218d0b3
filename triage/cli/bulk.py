"""Classify a file: on all cores, in order, in constant memory, and on from an interruption."""

from __future__ import annotations

import contextlib
import sys
import time
from collections import deque
from collections.abc import Iterator
from contextlib import AbstractContextManager
from itertools import islice
from pathlib import Path
from typing import Final

import typer

from triage.cli.destination import Destination, Sink, say, sink
from triage.cli.engine import Load, engine
from triage.cli.loading import Task
from triage.cli.progress import progress
from triage.errors import InputFileError
from triage.io import InputRow, Reader, open_input
from triage.io.jsonl import JsonlReader

INTERRUPTED: Final = 130
_LONG_BUILD: Final = 5_000


class _Rows:
    """A reader's rows. Damage ends them, to be raised when the rows before it are written."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self.fault: InputFileError | None = None

    def __iter__(self) -> Iterator[InputRow]:
        try:
            yield from self._reader
        except InputFileError as error:
            self.fault = error


def _input(file: Path | None) -> AbstractContextManager[Reader]:
    if file:
        return open_input(file)
    reader: Reader = JsonlReader(sys.stdin.buffer)
    return contextlib.closing(reader)


def classify_file(file: Path | None, task: Task, to: Destination, workers: int) -> int:
    """Write an outcome for every row of a file (None: JSON lines from standard input), in order.

    Returns how many have an error.

    Raises:
        InputFileError: the file turns out damaged; an output file is then not written.
        UnfinishedOutputError: an unfinished output there belongs to something else.
        BundleError, RulebookError: one of them cannot be used.
        WorkerError: processes end again and again.
        typer.Exit: it was interrupted.
    """
    try:
        with _input(file) as reader, sink(file, to, explain=task.explain) as out:
            _classify(reader, task, to, out, workers)
            return out.done.failed
    except KeyboardInterrupt:
        say("interrupted")
        raise typer.Exit(INTERRUPTED) from None


def _classify(reader: Reader, task: Task, to: Destination, out: Sink, workers: int) -> None:
    began = time.monotonic()
    before = out.done.rows
    rows = _Rows(reader)
    stream = iter(rows)
    deque(islice(stream, before), maxlen=0)
    load = Load(stream, task, workers)
    if rows.fault and not load.seen:
        raise rows.fault
    encode = to.encoder()
    with engine(task, encode, load.processes) as deciding:
        out.begin(deciding.versions)
        with progress(reader, bar=to.bar) as advance:
            for decided in deciding.run(load.chunks):
                out.write(decided.encoded, decided.rows, decided.failed)
                advance(out.done.rows - before)
    if rows.fault:
        raise rows.fault
    if to.is_built and out.done.rows >= _LONG_BUILD:
        say(f"building {to.path} from its rows")
    out.finish()
    processes = "1 process" if load.processes == 1 else f"{load.processes} processes"
    seconds = time.monotonic() - began
    say(summary(out.done.rows, out.done.failed, before, seconds, processes))


def summary(rows: int, failed: int, before: int, seconds: float, by: str) -> str:
    """The last line of a run that had `before` of its rows done already."""
    done_before = f", {before:,} of them done before" if before else ""
    return (
        f"{rows:,} messages, {failed:,} with an error{done_before}, {seconds:.1f} s, "
        f"{(rows - before) / seconds:,.1f} rows/s, {by}"
    )
