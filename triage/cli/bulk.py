"""Classify a file row by row, with a progress bar, in constant memory."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from triage.cli.loading import Classify
from triage.io import Outcome, Reader, RowError, classify_rows, open_output
from triage.io.jsonl import JsonlReader, JsonlWriter

_EVERY_SECONDS = 0.2


def standard_input() -> contextlib.closing[Reader]:
    """JSON lines from standard input."""
    reader: Reader = JsonlReader(sys.stdin.buffer)
    return contextlib.closing(reader)


@contextlib.contextmanager
def _sink(
    output: Path | None, *, with_text: bool, human: bool
) -> Iterator[Callable[[Outcome], None]]:
    if output is not None:
        with open_output(output, with_text=with_text) as writer:
            yield writer.write
    elif human:
        from triage.cli.show import show_line

        yield show_line
    else:
        yield JsonlWriter(sys.stdout.buffer).write
        sys.stdout.buffer.flush()


@contextlib.contextmanager
def _progress(reader: Reader, *, shown: bool) -> Iterator[Callable[[int], None]]:
    """Gives a function to call after each row with the number of rows so far."""
    columns = (
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[rows]:,} rows, {task.fields[rate]:,.0f}/s, left"),
        TimeRemainingColumn(),
    )
    began = updated = time.monotonic()
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=not shown) as progress:
        task = progress.add_task("", total=reader.total, rows=0, rate=0.0)

        def advance(rows: int) -> None:
            nonlocal updated
            now = time.monotonic()
            if now - updated >= _EVERY_SECONDS:
                updated = now
                rate = rows / (now - began)
                progress.update(task, completed=reader.done, rows=rows, rate=rate)

        yield advance


def classify_file(
    reader: Reader, classify: Classify, output: Path | None, *, with_text: bool, human: bool
) -> int:
    """Write an outcome for every row, in order; returns how many have an error.

    Raises:
        InputFileError: the file turns out damaged; an output file is then not written.
    """
    began = time.monotonic()
    rows = failed = 0
    # Lines on the same terminal show the progress themselves.
    bar = sys.stderr.isatty() and (output is not None or not sys.stdout.isatty())
    with (
        _sink(output, with_text=with_text, human=human) as write,
        _progress(reader, shown=bar) as advance,
    ):
        for outcome in classify_rows(reader, classify):
            rows += 1
            failed += isinstance(outcome.result, RowError)
            write(outcome)
            advance(rows)
    seconds = time.monotonic() - began
    print(f"{rows:,} messages, {failed:,} with an error, {seconds:.1f} s", file=sys.stderr)
    return failed
