"""Masked-language pre-training of a small BERT (Devlin et al. 2019) on packed text.

One script for CPU and GPU. It writes a checkpoint every `checkpoint_every` steps and goes on
from it after an interruption, with the same random numbers as without one.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from training.encoder import MaskedLanguageModel, bert_config, start_with_neighbours
from training.masking import MaskedBatch, mask_words, sample_blocks
from training.packing import Tokens
from training.runtime import device, half_precision, log, progress


@dataclass(frozen=True, slots=True)
class PretrainSettings:
    """`tokens` is the length of the run; `domain_share` the part drawn from real messages."""

    size: str = "small"
    tokens: int = 16_000_000
    length: int = 128
    batch: int = 32
    learning_rate: float = 1e-3
    warm_up: float = 0.06
    domain_share: float = 0.5
    seed: int = 1
    checkpoint_every: int = 200


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


def _batch(sources: Sources, settings: PretrainSettings, rng: np.random.Generator) -> MaskedBatch:
    share = settings.domain_share if len(sources.general) > settings.length else 1.0
    from_domain = round(settings.batch * share)
    blocks = [sample_blocks(sources.domain, from_domain, settings.length, rng)]
    if from_domain < settings.batch:
        rest = settings.batch - from_domain
        blocks.append(sample_blocks(sources.general, rest, settings.length, rng))
    return mask_words(np.concatenate(blocks), sources.vocabulary, rng)


def _loss(model: nn.Module, batch: MaskedBatch, on: torch.device) -> torch.Tensor:
    arrays = (batch.inputs, batch.positions, batch.targets)
    with half_precision(on):
        loss: torch.Tensor = model(*(torch.from_numpy(a).to(on) for a in arrays))
    return loss


def held_out_loss(model: nn.Module, sources: Sources, settings: PretrainSettings) -> float:
    """Mean masked cross entropy, in nats, on 8 fixed batches of held-out messages."""
    rng = np.random.default_rng(0)
    model.eval()
    with torch.no_grad():
        losses = [
            _loss(model, _batch(sources.held_out(), settings, rng), device()) for _ in range(8)
        ]
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


def pretrain(sources: Sources, settings: PretrainSettings, out: Path) -> Path:
    """Pre-train and write `out/encoder` in the format of transformers; return that directory."""
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(settings.seed)
    on = device()
    config = bert_config(settings.size, sources.vocabulary)
    model = MaskedLanguageModel(config)
    start_with_neighbours(model.bert)
    model.to(on)
    optimiser = _optimiser(model, settings)
    checkpoint, first = out / "pretrain.pt", 0
    if checkpoint.is_file():
        state = torch.load(checkpoint, map_location=on, weights_only=True)
        model.load_state_dict(state["model"])
        optimiser.load_state_dict(state["optimiser"])
        first = int(state["step"])
        log.info("pre-training goes on at step %d", first)
    training, per_step = sources.training(), settings.batch * settings.length
    steps = max(1, settings.tokens // per_step)
    began, running, note = time.monotonic(), float("nan"), {"text": ""}
    for step in _steps(first, steps, note):
        for group in optimiser.param_groups:
            group["lr"] = _rate(step, steps, settings)
        # A generator of its own for every step: a resumed run sees the same batches.
        rng = np.random.default_rng([settings.seed, step])
        loss = _loss(model, _batch(training, settings, rng), on)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        value = float(loss.detach())
        running = value if running != running else 0.98 * running + 0.02 * value
        speed = (step + 1 - first) * per_step / (time.monotonic() - began)
        note["text"] = f"loss {running:.3f} · {speed:,.0f} tokens/s"
        if (step + 1) % settings.checkpoint_every == 0 or step + 1 == steps:
            _save(checkpoint, step + 1, model, optimiser)
            held = held_out_loss(model, sources, settings)
            log.info("step %d/%d %s · held-out %.3f", step + 1, steps, note["text"], held)
    directory = out / "encoder"
    model.bert.save_pretrained(directory)
    return directory
