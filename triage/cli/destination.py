"""Where outcomes go: into a file, or to standard output."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol, cast

from triage.io import (
    Done,
    Encode,
    Format,
    Options,
    Output,
    Source,
    encoder_for,
    format_of,
    json_lines,
)
from triage.types import Versions


@dataclass(frozen=True, slots=True)
class Destination:
    """A file, or standard output, where outcomes are `human` or JSON lines."""

    path: Path | None
    with_text: bool = False
    human: bool = False
    restart: bool = False

    @property
    def bar(self) -> bool:
        """Whether a bar shows how far it is; lines on the same terminal do that themselves."""
        return sys.stderr.isatty() and (self.path is not None or not sys.stdout.isatty())

    @property
    def is_built(self) -> bool:
        """Whether the file is made when all rows are there."""
        return self.path is not None and format_of(self.path) in (Format.XLSX, Format.PARQUET)

    def encoder(self) -> Encode:
        """How outcomes are written there."""
        if self.path:
            return encoder_for(self.path, with_text=self.with_text)
        if not self.human:
            return json_lines
        from rich.console import Console

        from triage.cli.show import Colours, shown_lines

        console = Console()
        colours = cast("Colours | None", console.color_system)
        return partial(shown_lines, width=console.width, colours=colours)


class Sink(Protocol):
    """Takes encoded rows; see `Output`."""

    done: Done

    def begin(self, versions: Versions) -> None:
        """Be ready for rows decided by `versions`."""
        ...

    def write(self, encoded: bytes, rows: int, failed: int) -> None:
        """Add rows."""
        ...

    def finish(self) -> None:
        """All rows are written."""
        ...


class _StandardOutput:
    def __init__(self) -> None:
        self.done = Done()

    def begin(self, versions: Versions) -> None:
        pass

    def write(self, encoded: bytes, rows: int, failed: int) -> None:
        sys.stdout.buffer.write(encoded)
        sys.stdout.buffer.flush()
        self.done = Done(rows=self.done.rows + rows, failed=self.done.failed + failed)

    def finish(self) -> None:
        pass


@contextlib.contextmanager
def sink(source: Path | None, to: Destination, *, explain: bool) -> Iterator[Sink]:
    """What takes the outcomes of the file `source`, or of standard input.

    Raises:
        InputFileError, UnfinishedOutputError, OSError: as `Output` does.
    """
    if to.path is None:
        yield _StandardOutput()
        return
    options = Options(explain=explain, with_text=to.with_text)
    output = Output(to.path, options, Source.of(source) if source else None, restart=to.restart)
    try:
        with output:
            if output.done.rows:
                say(f"going on after {output.done.rows:,} rows of the unfinished {to.path.name}")
            yield output
    except BaseException:
        if output.kept:
            say(f"{output.kept:,} rows are kept; the same command goes on after them")
        raise


def say(line: str) -> None:
    """Tell the one who started the run."""
    print(line, file=sys.stderr, flush=True)
