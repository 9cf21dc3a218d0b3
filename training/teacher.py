"""Teachers: models whose probabilities the fine-tuning learns beside the labels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from scipy.special import expit, softmax

from training.base import load_tokenizer, resolve_base
from training.batching import windows
from training.data import Example
from training.finetune import FinetuneSettings, finetune, predict
from training.losses import Targets
from training.model import TriageModel, load_encoder
from triage.models.window import Windower


def tuned_teacher(base: str, train: Sequence[Example], validation: Sequence[Example],
                  asked: Sequence[Example], settings: FinetuneSettings, max_length: int,
                  work: Path) -> Targets:  # fmt: skip
    """What a larger encoder, fine-tuned on `train`, says of the messages `asked`.

    `base` is a directory or a hub id of the BERT family.

    Raises:
        InputFileError: the checkpoint cannot be had.
        ValueError, OSError: see `load_encoder`.
    """
    directory = resolve_base(base)
    windower = Windower(load_tokenizer(directory), max_length)
    torch.manual_seed(settings.seed)
    model = TriageModel(load_encoder(directory))
    work.mkdir(exist_ok=True)
    finetune(model, train, validation, windower, settings, work)
    scores = predict(model, windows(asked, windower))
    ones = np.ones(len(asked), dtype=np.float32)
    return Targets(
        softmax(scores.classes, axis=1), ones, expit(scores.urgent), expit(scores.reasons)
    )
