"""Masked-language pre-training of a small BERT (Devlin et al. 2019) on packed text.

One script for CPU and GPU. It writes a checkpoint every `checkpoint_every` steps and goes on
from it after an interruption, with the same random numbers as without one.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from training.encoder import (
    POSITIONS,
    MaskedLanguageModel,
    bert_config,
    start_with_neighbours,
)
from training.masking import MaskedBatch, mask_words, sample_blocks
from training.packing import Tokens
from training.plots import plot_losses
from training.runtime import device, half_precision, log, progress
from training.vectors import word_vectors

# The share of the short blocks that stand at the beginning of the window, as messages do.
_AT_START = 0.4


@dataclass(frozen=True, slots=True)
class PretrainSettings:
    """`tokens` is the length of the run; `domain_share` the part drawn from real messages.

    The last `long_share` of the tokens comes in blocks of `long_length`, as many to a step.
    `vectors`: whether embeddings start from co-occurrence; `sampled`: size of the sample that
    stands for the vocabulary in the loss, 0 for all of it.
    """

    size: str = "small"
    tokens: int = 40_000_000
    length: int = 128
    long_length: int = 512
    long_share: float = 0.1
    batch: int = 32
    learning_rate: float = 1.5e-3
    warm_up: float = 0.06
    domain_share: float = 0.5
    vectors: bool = True
    sampled: int = 2_048
    seed: int = 1
    checkpoint_every: int = 200

    @property
    def long_from(self) -> int:
        """The first step with long blocks."""
        return math.ceil(self.steps * (1 - self.long_share))

    @property
    def steps(self) -> int:
        """Optimiser steps of the run; every step sees about `batch * length` tokens."""
        return max(1, self.tokens // (self.batch * self.length))

    def shape(self, step: int) -> tuple[int, int]:
        """Blocks and their length at `step`."""
        if step < self.long_from:
            return self.batch, self.length
        return max(2, self.batch * self.length // self.long_length), self.long_length


@dataclass(frozen=True, slots=True)
class Sources:
    """Packed tokens: real messages and general text (which may be empty)."""

    domain: Tokens
    general: Tokens
    vocabulary: int

    def held_out(self) -> Sources:
        """The last hundredth of the messages, never sampled for training."""
        return Sources(
            self.domain[-max(2_048, len(self.domain) // 100) :], self.general[:0], self.vocabulary
        )

    def training(self) -> Sources:
        """Everything that is not held out."""
        cut = len(self.domain) - max(2_048, len(self.domain) // 100)
        return Sources(self.domain[:cut], self.general, self.vocabulary)


def _batch(
    sources: Sources, shape: tuple[int, int], domain_share: float, rng: np.random.Generator
) -> MaskedBatch:
    count, length = shape
    from_domain = round(count * (domain_share if len(sources.general) > length else 1.0))
    blocks = [sample_blocks(sources.domain, from_domain, length, rng)]
    if from_domain < count:
        blocks.append(sample_blocks(sources.general, count - from_domain, length, rng))
    return mask_words(np.concatenate(blocks), sources.vocabulary, rng)


def _places(shape: tuple[int, int], rng: np.random.Generator) -> NDArray[np.int64]:
    """Positions `[count, length]` of blocks that stand anywhere in the window, `[CLS]` first.

    Short blocks that always began at 0 would leave the positions behind them untrained; long
    blocks would then start from a loss near that of no training at all.
    """
    count, length = shape
    shift = rng.integers(0, max(1, POSITIONS - length), size=(count, 1))
    shift[rng.random(count) < _AT_START] = 0
    places = np.arange(length) + shift
    places[:, 0] = 0
    return places


def _loss(model: nn.Module, batch: MaskedBatch, on: torch.device,
          *more: NDArray[np.int64]) -> torch.Tensor:  # fmt: skip
    """The loss of a batch; `more` are the places and the sample of the vocabulary."""
    arrays = [batch.inputs, batch.positions, batch.targets, *more]
    with half_precision(on):
        loss: torch.Tensor = model(*(torch.from_numpy(a).to(on) for a in arrays))
    return loss


def held_out_loss(model: nn.Module, sources: Sources, settings: PretrainSettings) -> float:
    """Mean masked cross entropy, in nats, on 8 fixed batches of held-out messages."""
    rng = np.random.default_rng(0)
    held, shape = sources.held_out(), (settings.batch, settings.length)
    model.eval()
    with torch.no_grad():
        losses = [_loss(model, _batch(held, shape, 1.0, rng), device()) for _ in range(8)]
    model.train()
    return float(torch.stack(losses).mean())


def _rate(step: int, steps: int, settings: PretrainSettings) -> float:
    warm = max(1, int(steps * settings.warm_up))
    return settings.learning_rate * min(
        (step + 1) / warm, max(0.0, (steps - step) / (steps - warm))
    )


def _optimiser(model: nn.Module, settings: PretrainSettings) -> torch.optim.AdamW:
    flat = [p for p in model.parameters() if p.ndim < 2]
    deep = [p for p in model.parameters() if p.ndim >= 2]
    groups = [{"params": deep, "weight_decay": 0.01}, {"params": flat, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=settings.learning_rate, betas=(0.9, 0.98))


def _save(path: Path, step: int, model: nn.Module, optimiser: torch.optim.AdamW) -> None:
    temporary = path.with_suffix(".tmp")
    state = {"step": step, "model": model.state_dict(), "optimiser": optimiser.state_dict()}
    torch.save(state, temporary)
    temporary.replace(path)


def _steps(first: int, steps: int, note: dict[str, str]) -> Iterator[int]:
    with progress() as bar:
        task = bar.add_task("pre-training", total=steps, completed=first, note="")
        for step in range(first, steps):
            yield step
            bar.update(task, advance=1, note=note["text"])


def _new_model(sources: Sources, settings: PretrainSettings) -> MaskedLanguageModel:
    torch.manual_seed(settings.seed)
    model = MaskedLanguageModel(bert_config(settings.size, sources.vocabulary))
    if settings.vectors:
        text = np.concatenate([sources.domain, sources.general])
        width = model.bert.config.hidden_size
        vectors = word_vectors(text, sources.vocabulary, width, settings.seed)
        with torch.no_grad():
            model.bert.embeddings.word_embeddings.weight.copy_(torch.from_numpy(vectors))
    start_with_neighbours(model.bert)
    return model


def pretrain(sources: Sources, settings: PretrainSettings, out: Path) -> Path:
    """Pre-train and write `out/encoder` in the format of transformers; return that directory.

    `out/pretrain.jsonl` keeps step, tokens, training and held-out loss at every checkpoint, and
    `out/pretrain.svg` draws them.
    """
    out.mkdir(parents=True, exist_ok=True)
    on, training = device(), sources.training()
    checkpoint, first = out / "pretrain.pt", 0
    state = (
        torch.load(checkpoint, map_location=on, weights_only=True) if checkpoint.is_file() else None
    )
    plain = settings if state is None else replace(settings, vectors=False)
    model = _new_model(training, plain).to(on)
    optimiser = _optimiser(model, settings)
    if state is not None:
        model.load_state_dict(state["model"])
        optimiser.load_state_dict(state["optimiser"])
        first = int(state["step"])
        log.info("pre-training goes on at step %d", first)
    steps, seen, began = settings.steps, 0, time.monotonic()
    running, note = float("nan"), {"text": ""}
    for step in _steps(first, steps, note):
        for group in optimiser.param_groups:
            group["lr"] = _rate(step, steps, settings)
        # A generator of its own for every step: a resumed run sees the same batches.
        rng = np.random.default_rng([settings.seed, step])
        batch = _batch(training, settings.shape(step), settings.domain_share, rng)
        more = [_places(batch.inputs.shape, rng)]
        if 0 < settings.sampled < sources.vocabulary:
            more.append(rng.choice(sources.vocabulary, settings.sampled, replace=False))
        loss = _loss(model, batch, on, *more)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        value = float(loss.detach())
        running = value if running != running else 0.98 * running + 0.02 * value
        seen += batch.inputs.size
        note["text"] = f"loss {running:.3f} · {seen / (time.monotonic() - began):,.0f} tokens/s"
        if (step + 1) % settings.checkpoint_every == 0 or step + 1 == steps:
            _save(checkpoint, step + 1, model, optimiser)
            held = held_out_loss(model, sources, settings)
            log.info("step %d/%d %s · held-out %.3f", step + 1, steps, note["text"], held)
            with (out / "pretrain.jsonl").open("a", encoding="utf-8") as file:
                tokens = (step + 1) * settings.batch * settings.length
                point = {"step": step + 1, "tokens": tokens, "loss": running, "held_out": held}
                file.write(json.dumps(point) + "\n")
    plot_losses(out / "pretrain.jsonl", out / "pretrain.svg")
    directory = out / "encoder"
    model.bert.save_pretrained(directory)
    return directory
