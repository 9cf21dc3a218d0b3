"""Teachers: models whose probabilities the fine-tuning learns beside the labels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy.special import expit, softmax

from training.base import resolve_base
from training.batching import windows
from training.data import Example
from training.finetune import FinetuneSettings, predict
from training.losses import Targets
from training.trial import tuned


def tuned_teacher(base: str, train: Sequence[Example], validation: Sequence[Example],
                  asked: Sequence[Example], settings: FinetuneSettings, max_length: int,
                  work: Path) -> Targets:  # fmt: skip
    """What a larger encoder, fine-tuned on `train`, says of the messages `asked`.

    `base` is a directory or a hub id of the BERT family.

    Raises:
        InputFileError: the checkpoint cannot be had.
        ValueError, OSError: see `load_encoder`.
    """
    work.mkdir(exist_ok=True)
    model, windower = tuned(resolve_base(base), train, validation, settings, max_length, work)
    scores = predict(model, windows(asked, windower))
    ones = np.ones(len(asked), dtype=np.float32)
    return Targets(
        softmax(scores.classes, axis=1), ones, expit(scores.urgent), expit(scores.reasons)
    )
