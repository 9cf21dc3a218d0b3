"""Multi-task fine-tuning of an encoder on labelled messages, with early stopping."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from training.data import Example
from training.model import Scores, TriageModel
from training.runtime import device, half_precision, log, progress
from triage.labels import CLASSES
from triage.models.window import Window, Windower

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class FinetuneSettings:
    """`second_share` of a label goes to the second department, more where there was doubt."""

    epochs: int = 4
    batch: int = 32
    learning_rate: float = 3e-4
    head_rate: float = 1e-3
    smoothing: float = 0.05
    second_share: float = 0.1
    urgent_weight: float = 0.5
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Predictions:
    """Logits for many messages: `classes` `[n, 5]`, `urgent` `[n]`, `reasons` `[n, 7]`."""

    classes: Floats
    urgent: Floats
    reasons: Floats


def windows(examples: Sequence[Example], windower: Windower) -> list[Window]:
    """The model's input of every example, as serving builds it."""
    return [windower(e.title.text if e.title else None, e.body.text) for e in examples]


def _pad(chosen: Sequence[Window], on: torch.device) -> tuple[torch.Tensor, ...]:
    length = max(len(window.ids) for window in chosen)
    ids = np.zeros((len(chosen), length), dtype=np.int64)
    segments, mask = ids.copy(), ids.copy()
    for row, window in enumerate(chosen):
        ids[row, : len(window.ids)] = window.ids
        segments[row, : len(window.ids)] = window.segments
        mask[row, : len(window.ids)] = 1
    return tuple(torch.from_numpy(array).to(on) for array in (ids, segments, mask))


def _batches(
    inputs: Sequence[Window], size: int, rng: np.random.Generator
) -> Iterator[NDArray[np.int64]]:
    """Random batches of messages of similar length: padding would triple the time."""
    order = rng.permutation(len(inputs))
    pool = 50 * size
    batches = []
    for start in range(0, len(order), pool):
        part = sorted(order[start : start + pool], key=lambda i: len(inputs[i].ids))
        batches += [np.array(part[i : i + size]) for i in range(0, len(part), size)]
    yield from (batches[i] for i in rng.permutation(len(batches)))


def soft_labels(examples: Sequence[Example], settings: FinetuneSettings) -> Floats:
    """Class targets `[n, 5]`: smoothed, with a share for the second department by doubt."""
    targets = np.full((len(examples), len(CLASSES)), settings.smoothing / len(CLASSES))
    for row, example in zip(targets, examples, strict=True):
        share = settings.second_share * (4 - example.sure) if example.second is not None else 0.0
        row[example.label] += (1 - settings.smoothing) * (1 - share)
        if example.second is not None:
            row[example.second] += (1 - settings.smoothing) * share
    return targets.astype(np.float32)


def class_weights(examples: Sequence[Example]) -> Floats:
    """Weights `[5]` by the inverse root of class frequency, of mean one over the examples."""
    counts = np.bincount([e.label for e in examples], minlength=len(CLASSES)).clip(1)
    weights = 1 / np.sqrt(counts)
    scaled: Floats = (weights * len(examples) / (weights * counts).sum()).astype(np.float32)
    return scaled


def _loss(scores: Scores, labels: torch.Tensor, urgent: torch.Tensor, reasons: torch.Tensor,
          weights: torch.Tensor, settings: FinetuneSettings) -> torch.Tensor:  # fmt: skip
    each = -(labels * functional.log_softmax(scores.classes.float(), dim=-1)).sum(dim=-1)
    main = (each * weights[labels.argmax(dim=-1)]).mean()
    alarm = functional.binary_cross_entropy_with_logits(
        scores.urgent.float(), urgent, pos_weight=torch.tensor(4.0, device=urgent.device)
    )
    why = functional.binary_cross_entropy_with_logits(scores.reasons.float(), reasons)
    return main + settings.urgent_weight * alarm + why


def predict(model: TriageModel, inputs: Sequence[Window], batch: int = 64) -> Predictions:
    """Logits of all `inputs`, in their order."""
    on = device()
    order = sorted(range(len(inputs)), key=lambda i: len(inputs[i].ids))
    found: dict[int, tuple[Floats, Floats, Floats]] = {}
    model.eval()
    with torch.inference_mode():
        for start in range(0, len(order), batch):
            part = order[start : start + batch]
            scores = model(*_pad([inputs[i] for i in part], on))
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


def _optimiser(model: TriageModel, settings: FinetuneSettings) -> torch.optim.AdamW:
    groups = [
        {"params": model.encoder.parameters(), "peak": settings.learning_rate},
        {"params": model.head.parameters(), "peak": settings.head_rate},
    ]
    return torch.optim.AdamW(groups, lr=settings.learning_rate, weight_decay=0.01)


def finetune(model: TriageModel, examples: Sequence[Example], validation: Sequence[Example],
             windower: Windower, settings: FinetuneSettings, out: Path) -> TriageModel:  # fmt: skip
    """Fine-tune `model` in place and leave it at its best epoch by validation macro-F1.

    A checkpoint after every epoch lets an interrupted run go on; it belongs to the settings and
    data of its working directory (`training.steps`).
    """
    on = device()
    model.to(on)
    inputs, held = windows(examples, windower), windows(validation, windower)
    truth = [example.label for example in validation]
    labels = torch.from_numpy(soft_labels(examples, settings)).to(on)
    urgent = torch.tensor([float(e.urgent) for e in examples], device=on)
    reasons = torch.tensor([e.reasons for e in examples], dtype=torch.float32, device=on)
    weights = torch.from_numpy(class_weights(examples)).to(on)
    optimiser, steps = (
        _optimiser(model, settings),
        -(-len(inputs) // settings.batch) * settings.epochs,
    )
    checkpoint = out / "finetune.pt"
    first, best, best_state = 0, -1.0, None
    if checkpoint.is_file():
        state = torch.load(checkpoint, map_location=on, weights_only=True)
        model.load_state_dict(state["model"])
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
            for chosen in _batches(inputs, settings.batch, rng):
                rate = min((step + 1) / (0.1 * steps), max(0.0, (steps - step) / (0.9 * steps)))
                for group in optimiser.param_groups:
                    group["lr"] = group["peak"] * rate
                at = torch.from_numpy(chosen).to(on)
                with half_precision(on):
                    scores = model(*_pad([inputs[i] for i in chosen], on))
                loss = _loss(scores, labels[at], urgent[at], reasons[at], weights, settings)
                loss.backward()  # type: ignore[no-untyped-call]
                nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                optimiser.step()
                optimiser.zero_grad(set_to_none=True)
                step += 1
                bar.update(task, advance=1, note=f"loss {float(loss.detach()):.3f}")
            score = macro_f1(predict(model, held).classes, truth)
            log.info("epoch %d: validation macro-F1 %.4f", epoch + 1, score)
            if score > best:
                best = score
                best_state = {k: v.detach().clone() for k, v in model.state_dict().items()}
            state = {"epoch": epoch + 1, "model": model.state_dict(), "best": best,
                     "optimiser": optimiser.state_dict(), "best_state": best_state}  # fmt: skip
            torch.save(state, checkpoint.with_suffix(".tmp"))
            checkpoint.with_suffix(".tmp").replace(checkpoint)
    if best_state is not None:
        model.load_state_dict(best_state)
    return model
