"""Write the classifier as ONNX, and prove that the answers stayed the same."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from training.data import Example
from training.finetune import Predictions, macro_f1
from training.model import TriageModel
from triage.errors import BundleError
from triage.models import ModelOutput, OnnxModel
from triage.models.onnx import OUTPUTS

# The least agreement with the unquantised model, and the most macro-F1 it may cost.
_AGREEMENT, _LOSS = {"fp32": 0.999, "int8": 0.995}, 0.003


@contextmanager
def quiet() -> Iterator[None]:
    """Silence the exporters' advice to their own authors; errors are raised all the same."""
    logging.disable(logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        finally:
            logging.disable(logging.NOTSET)


def export_onnx(model: TriageModel, path: Path) -> None:
    """Write `model` in single precision for inputs `[1, length]` without a mask."""
    model.eval().cpu()
    # PyTorch's fused attention is exported with guards against rows that are masked whole, which
    # cost a millisecond and cannot occur without a mask.
    model.encoder.set_attn_implementation("eager")
    ids = torch.randint(5, 100, (1, 24))
    segments = torch.zeros_like(ids)
    length = torch.export.Dim("length", min=2, max=model.encoder.config.max_position_embeddings)
    with torch.no_grad(), quiet():
        torch.onnx.export(
            model,
            (ids, segments),
            str(path),
            input_names=["input_ids", "token_type_ids"],
            output_names=list(OUTPUTS),
            dynamic_shapes={"input_ids": {1: length}, "token_type_ids": {1: length}},
            dynamo=True,
            external_data=False,
            verbose=False,
        )


@dataclass(frozen=True, slots=True)
class Parity:
    """How far the exported model is from the trained one, on the same messages."""

    agreement: float
    macro_f1_loss: float
    largest_difference: float


def run(model: OnnxModel, examples: Sequence[Example]) -> Predictions:
    """Logits of the exported model, one message at a time as in serving."""
    return stack([model.predict(example.title, example.body) for example in examples])


def stack(outputs: Sequence[ModelOutput]) -> Predictions:
    """The outputs of many messages as arrays."""
    return Predictions(
        np.stack([o.classes for o in outputs]),
        np.array([o.urgent for o in outputs], dtype=np.float32),
        np.stack([o.reasons for o in outputs]),
    )


def compare(trained: Predictions, exported: Predictions, examples: Sequence[Example]) -> Parity:
    """Measure the parity of two sets of predictions for the same `examples`."""
    same = trained.classes.argmax(axis=1) == exported.classes.argmax(axis=1)
    labels = [example.label for example in examples]
    return Parity(
        agreement=float(same.mean()),
        macro_f1_loss=macro_f1(trained.classes, labels) - macro_f1(exported.classes, labels),
        largest_difference=float(np.abs(trained.classes - exported.classes).max()),
    )


def require_parity(parity: Parity, what: str) -> None:
    """Refuse an export, `fp32` or `int8`, that answers otherwise than the trained model.

    Raises:
        BundleError: too many labels changed, or too much macro-F1 was lost.
    """
    agreement = _AGREEMENT[what]
    if parity.agreement < agreement or parity.macro_f1_loss > _LOSS:
        raise BundleError(
            f"the {what} export agrees with the trained model on {parity.agreement:.2%} of labels "
            f"and loses {parity.macro_f1_loss:.4f} macro-F1; at least {agreement:.1%} and at most "
            f"{_LOSS} are required"
        )
