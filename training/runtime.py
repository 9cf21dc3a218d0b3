"""Device, precision, seeds and progress shared by the training steps."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TypeVar

import torch
import typer
from rich.console import Console
from rich.logging import RichHandler
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from triage.errors import TriageError

log = logging.getLogger("training")
T = TypeVar("T")


def device() -> torch.device:
    """The GPU where there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def half_precision(on: torch.device) -> AbstractContextManager[object]:
    """bf16 autocast where the hardware computes in it, a no-op where it would be emulated."""
    # torch has no public question for this yet.
    native = on.type == "cuda" or torch.cpu._is_avx512_bf16_supported()  # noqa: SLF001
    return torch.autocast(on.type, dtype=torch.bfloat16) if native else nullcontext()


def start_logging(path: Path) -> None:
    """Log to the terminal and, with times, to `path`. Messages' texts are never logged."""
    path.parent.mkdir(parents=True, exist_ok=True)
    to_file = logging.FileHandler(path, encoding="utf-8")
    to_file.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    log.handlers = [RichHandler(console=Console(stderr=True), show_path=False), to_file]
    log.setLevel(logging.INFO)
    log.propagate = False


@contextmanager
def plain_errors() -> Iterator[None]:
    """End a command with the text of a `TriageError` and exit code 2, without a traceback."""
    try:
        yield
    except TriageError as error:
        Console(stderr=True).print(f"[red]error:[/red] {error}")
        raise typer.Exit(2) from None


def counted(items: Iterable[T], what: str, total: int | None = None) -> Iterator[T]:
    """`items`, with a progress line that counts them."""
    with progress() as bar:
        task = bar.add_task(what, total=total, note="")
        for item in items:
            yield item
            bar.advance(task)


def progress() -> Progress:
    """A progress bar with the step, a free text and the time left."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[note]}"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )
