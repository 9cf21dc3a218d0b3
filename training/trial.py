"""Fine-tune an encoder to measure it: by the code that trains bundles, without making one."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from training.base import load_tokenizer
from training.batching import windows
from training.data import Example
from training.finetune import FinetuneSettings, finetune, macro_f1, predict
from training.losses import Floats
from training.model import TriageModel, load_encoder
from triage.bundle import file_hash
from triage.labels import CLASSES
from triage.models.window import Windower

_ENCODER: Final = (".json", ".txt", ".safetensors", ".bin")


class Score(BaseModel):
    """Macro-F1 over the classes that occur, and accuracy; shares between 0 and 1."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    macro_f1: float
    accuracy: float


def score(classes: NDArray[np.floating], labels: Sequence[int]) -> Score:
    """Score the choice of the highest of `classes` `[n, c]` for each message."""
    right = classes.argmax(axis=1) == np.array(labels)
    return Score(macro_f1=macro_f1(classes, labels), accuracy=float(right.mean()))


@dataclass(frozen=True, slots=True)
class TrialSettings:
    """What changes the result of a trial, besides its messages."""

    base: Path
    epochs: int
    max_length: int
    seed: int
    classes: int = len(CLASSES)

    def described(self) -> dict[str, object]:
        """The settings with the hashes of the encoder's files in place of its path."""
        files = sorted(file for file in self.base.iterdir() if file.suffix in _ENCODER)
        return {
            "encoder": {file.name: file_hash(file) for file in files},
            "max_length": self.max_length,
            "tuning": asdict(self.tuning()),
        }

    def tuning(self) -> FinetuneSettings:
        """The settings of the fine-tuning: those of every training, for these classes."""
        settings = FinetuneSettings(epochs=self.epochs, seed=self.seed)
        return replace(settings, targets=replace(settings.targets, classes=self.classes))


def use_cores() -> None:
    """Compute on `OMP_NUM_THREADS` threads or, without it, on every core."""
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS") or os.cpu_count() or 1))


def tuned(
    base: Path,
    train: Sequence[Example],
    held: Sequence[Example],
    settings: FinetuneSettings,
    max_length: int,
    work: Path,
) -> tuple[TriageModel, Windower]:
    """The encoder in the directory `base`, tuned on `train`, and what makes its input.

    `held` chooses the epoch. `work` holds the checkpoint that an interrupted run goes on from.

    Raises:
        InputFileError: the encoder has no tokenizer.
        ValueError, OSError: see `load_encoder`.
    """
    windower = Windower(load_tokenizer(base), max_length)
    torch.manual_seed(settings.seed)
    model = TriageModel(load_encoder(base), classes=settings.targets.classes)
    return finetune(model, train, held, windower, settings, work), windower


def trial(train: Sequence[Example], held: Sequence[Example], asked: Sequence[Example],
          settings: TrialSettings, work: Path) -> tuple[Floats, Floats]:  # fmt: skip
    """Class logits of `held` and `asked`, each `[n, classes]`, of an encoder tuned on `train`.

    For `held`, `work` and what is raised see `tuned`.
    """
    tuning = settings.tuning()
    model, windower = tuned(settings.base, train, held, tuning, settings.max_length, work)
    return (
        predict(model, windows(held, windower)).classes,
        predict(model, windows(asked, windower)).classes,
    )
