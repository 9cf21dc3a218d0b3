"""How far a run is, how fast, and how long it will take: a bar, or lines where nobody watches."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from typing import Final, Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

Advance = Callable[[int], None]
_BAR_SECONDS: Final = 0.2
_LINE_SECONDS: Final = 30.0


class Measured(Protocol):
    """What is read: `done` of `total`, in bytes or rows."""

    total: int | None

    @property
    def done(self) -> int:
        """How much of `total` was read."""
        ...


def span(seconds: float) -> str:
    """`1:02:03`."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}"


@contextlib.contextmanager
def progress(of: Measured, *, bar: bool) -> Iterator[Advance]:
    """Gives a function to call with the number of rows that this run has done so far."""
    with _bar(of) if bar else _lines(of) as advance:
        yield advance


@contextlib.contextmanager
def _bar(of: Measured) -> Iterator[Advance]:
    columns = (
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[rows]:,} rows, {task.fields[rate]:,.0f} rows/s, left"),
        TimeRemainingColumn(),
    )
    began = updated = time.monotonic()
    with Progress(*columns, console=Console(stderr=True)) as shown:
        task = shown.add_task("", total=of.total, completed=of.done, rows=0, rate=0.0)

        def advance(rows: int) -> None:
            nonlocal updated
            now = time.monotonic()
            if now - updated >= _BAR_SECONDS:
                updated = now
                rate = rows / (now - began)
                shown.update(task, completed=of.done, rows=rows, rate=rate)

        yield advance


@contextlib.contextmanager
def _lines(of: Measured) -> Iterator[Advance]:
    began = told = time.monotonic()
    first = of.done

    def advance(rows: int) -> None:
        nonlocal told
        now = time.monotonic()
        if now - told < _LINE_SECONDS:
            return
        told = now
        line = f"{rows:,} rows, {rows / (now - began):,.0f} rows/s"
        if of.total and of.done > first:
            left = (of.total - of.done) / (of.done - first) * (now - began)
            line += f", {of.done / of.total:.0%}, left {span(left)}"
        print(line, file=sys.stderr, flush=True)

    yield advance
