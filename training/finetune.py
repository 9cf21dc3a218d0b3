"""Multi-task fine-tuning of an encoder on labelled messages, with early stopping."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score
from torch import nn
from torch.optim.swa_utils import AveragedModel

from training.batching import hide, pad, similar_lengths, tensors, windows
from training.data import Example
from training.losses import Floats, Targets, TargetSettings, labelled_targets, loss
from training.model import TriageModel
from training.runtime import device, half_precision, log, progress
from triage.fusion import log_softmax
from triage.models.window import Window, Windower

# Encoders of this width and more, such as those from a hub, learn at a tenth of the rate.
_WIDE, _WIDE_SLOWER = 512, 10


@dataclass(frozen=True, slots=True)
class FinetuneSettings:
    """`hidden` is the share of the tokens hidden in training; `averaging` the decay of the moving
    average of the weights, which is what is kept.
    """

    epochs: int = 3
    batch: int = 32
    learning_rate: float = 4e-4
    head_rate: float = 1e-3
    hidden: float = 0.1
    averaging: float = 0.99
    targets: TargetSettings = field(default_factory=TargetSettings)
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Predictions:
    """Logits for many messages: `classes` `[n, 5]`, `urgent` `[n]`, `reasons` `[n, 7]`."""

    classes: Floats
    urgent: Floats
    reasons: Floats


def predict(model: nn.Module, inputs: Sequence[Window], batch: int = 64) -> Predictions:
    """Logits of all `inputs`, in their order."""
    on = device()
    order = sorted(range(len(inputs)), key=lambda i: len(inputs[i].ids))
    found: dict[int, tuple[Floats, Floats, Floats]] = {}
    model.eval()
    with torch.inference_mode():
        for start in range(0, len(order), batch):
            part = order[start : start + batch]
            scores = model(*tensors(pad([inputs[i] for i in part]), on))
            arrays = [value.float().cpu().numpy() for value in scores]
            found |= {i: tuple(a[row] for a in arrays) for row, i in enumerate(part)}
    columns = (
        np.stack(column) for column in zip(*(found[i] for i in range(len(order))), strict=True)
    )
    return Predictions(*columns)


def macro_f1(classes: NDArray[np.floating], labels: Sequence[int]) -> float:
    """Macro-F1 over the classes that occur in `labels`."""
    guesses, truth = classes.argmax(axis=1), np.array(labels)
    scores = []
    for label in np.unique(truth):
        hit = ((guesses == label) & (truth == label)).sum()
        scores.append(2 * hit / max(1, (guesses == label).sum() + (truth == label).sum()))
    return float(np.mean(scores))


def cross_entropy(
    classes: NDArray[np.floating], labels: Sequence[int] | NDArray[np.int64]
) -> float:
    """Mean cross entropy of logits `[n, classes]`, in nats."""
    return -float(log_softmax(classes)[np.arange(len(labels)), labels].mean())


def _moving(
    decay: float,
) -> Callable[[torch.Tensor, torch.Tensor, torch.Tensor | int], torch.Tensor]:
    """A moving average that forgets faster in its first steps, so that a short run has one too."""

    def average(old: torch.Tensor, new: torch.Tensor, seen: torch.Tensor | int) -> torch.Tensor:
        kept = min(decay, (1 + int(seen)) / (10 + int(seen)))
        return kept * old + (1 - kept) * new

    return average


def _optimiser(model: TriageModel, settings: FinetuneSettings) -> torch.optim.AdamW:
    wide = model.encoder.config.hidden_size >= _WIDE
    groups = [
        {"params": model.head.parameters(), "peak": settings.head_rate},
        {
            "params": model.encoder.parameters(),
            "peak": settings.learning_rate / (_WIDE_SLOWER if wide else 1),
        },
    ]
    return torch.optim.AdamW(groups, lr=settings.learning_rate, weight_decay=0.01)


def finetune(model: TriageModel, examples: Sequence[Example], validation: Sequence[Example],
             windower: Windower, settings: FinetuneSettings, out: Path,
             targets: Targets | None = None) -> TriageModel:  # fmt: skip
    """Fine-tune `model` in place and leave it at its best epoch by validation cross entropy.

    Macro-F1 would choose by the luck of the few messages with nothing to handle.

    `targets` of the examples take the place of their labels. A checkpoint after every epoch lets
    an interrupted run go on; it belongs to the settings and data of its working directory
    (`training.steps`).
    """
    on = device()
    model.to(on)
    inputs, held = windows(examples, windower), windows(validation, windower)
    truth = [example.label for example in validation]
    alarms = [example.urgent for example in validation]
    targets = targets or labelled_targets(examples, settings.targets)
    optimiser = _optimiser(model, settings)
    steps = -(-len(inputs) // settings.batch) * settings.epochs
    # The plain weights swing with every batch; their moving average generalises better
    # (Polyak & Juditsky 1992).
    averaged = AveragedModel(model, avg_fn=_moving(settings.averaging))
    checkpoint = out / "finetune.pt"
    first, best, best_state = 0, float("inf"), None
    if checkpoint.is_file():
        state = torch.load(checkpoint, map_location=on, weights_only=True)
        model.load_state_dict(state["model"])
        averaged.load_state_dict(state["averaged"])
        optimiser.load_state_dict(state["optimiser"])
        first, best, best_state = state["epoch"], state["best"], state["best_state"]
        log.info("fine-tuning goes on at epoch %d", first + 1)
    step = first * (steps // settings.epochs)
    with progress() as bar:
        task = bar.add_task("fine-tuning", total=steps, completed=step, note="")
        for epoch in range(first, settings.epochs):
            model.train()
            rng = np.random.default_rng([settings.seed, epoch])
            torch.manual_seed(settings.seed * 1000 + epoch)
            for chosen in similar_lengths(inputs, settings.batch, rng):
                rate = min((step + 1) / (0.1 * steps), max(0.0, (steps - step) / (0.9 * steps)))
                for group in optimiser.param_groups:
                    group["lr"] = group["peak"] * rate
                ids, segments, mask = pad([inputs[i] for i in chosen])
                if windower.mask_token is not None:
                    ids = hide(ids, settings.hidden, windower.mask_token, rng)
                with half_precision(on):
                    scores = model(*tensors((ids, segments, mask), on))
                cost = loss(scores, targets, chosen, settings.targets)
                cost.backward()  # type: ignore[no-untyped-call]
                nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                optimiser.step()
                optimiser.zero_grad(set_to_none=True)
                averaged.update_parameters(model)
                step += 1
                bar.update(task, advance=1, note=f"loss {float(cost.detach()):.3f}")
            found = predict(averaged, held)
            lost = cross_entropy(found.classes, truth)
            precision = average_precision_score(alarms, found.urgent) if any(alarms) else 0.0
            log.info(
                "epoch %d: validation macro-F1 %.4f, cross entropy %.4f, "
                "average precision of urgency %.3f",
                epoch + 1, macro_f1(found.classes, truth), lost, precision,
            )  # fmt: skip
            if lost < best:
                best = lost
                best_state = {k: v.clone() for k, v in averaged.module.state_dict().items()}
            state = {"epoch": epoch + 1, "model": model.state_dict(), "best": best,
                     "averaged": averaged.state_dict(), "optimiser": optimiser.state_dict(),
                     "best_state": best_state}  # fmt: skip
            torch.save(state, checkpoint.with_suffix(".tmp"))
            checkpoint.with_suffix(".tmp").replace(checkpoint)
    if best_state is not None:
        model.load_state_dict(best_state)
    return model
