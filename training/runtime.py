"""Device, precision, seeds and progress shared by the training steps."""

from __future__ import annotations

import logging
import random
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.logging import RichHandler
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

log = logging.getLogger("training")


def device() -> torch.device:
    """The GPU where there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def half_precision(on: torch.device) -> AbstractContextManager[object]:
    """bf16 autocast where the hardware computes in it, a no-op where it would be emulated."""
    # torch has no public question for this yet.
    native = on.type == "cuda" or torch.cpu._is_avx512_bf16_supported()  # noqa: SLF001
    return torch.autocast(on.type, dtype=torch.bfloat16) if native else nullcontext()


def seed_everything(seed: int) -> np.random.Generator:
    """Seed Python, NumPy and torch; return a NumPy generator of the same seed."""
    random.seed(seed)
    torch.manual_seed(seed)
    return np.random.default_rng(seed)


def start_logging(path: Path) -> None:
    """Log to the terminal and, with times, to `path`. Messages' texts are never logged."""
    path.parent.mkdir(parents=True, exist_ok=True)
    to_file = logging.FileHandler(path, encoding="utf-8")
    to_file.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    log.handlers = [RichHandler(console=Console(stderr=True), show_path=False), to_file]
    log.setLevel(logging.INFO)
    log.propagate = False


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
