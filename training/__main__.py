"""`python -m training`: train a bundle from a data directory."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import torch
import typer

from training.base import EMBEDDED
from training.encoder import SIZES
from training.finetune import FinetuneSettings
from training.pretrain import PretrainSettings
from training.run import Training, TrainSettings
from training.runtime import plain_errors, start_logging


def main(
    data: Annotated[Path, typer.Option(help="Directory with labelled/train.jsonl.")],
    out: Annotated[Path, typer.Option(help="Where the bundle goes.")] = Path("build/bundle"),
    work: Annotated[Path, typer.Option(help="Checkpoints and caches.")] = Path("build/train"),
    base: Annotated[
        str, typer.Option(help="Checkpoint to fine-tune: a directory or a hub id.")
    ] = str(EMBEDDED),
    pretrain: Annotated[
        bool, typer.Option("--pretrain", help="Pre-train a new encoder instead (hours).")
    ] = False,
    teacher: Annotated[
        str | None, typer.Option(help="Larger checkpoint to learn from as well (distillation).")
    ] = None,
    labels_only: Annotated[
        bool,
        typer.Option(
            "--labels-only", help="Without readings and invented messages of departments."
        ),
    ] = False,
    data_card: Annotated[
        Path | None, typer.Option(help="Text for the model card: sources and licences of the data.")
    ] = None,
    size: Annotated[str, typer.Option(help=f"Encoder to pre-train: {', '.join(SIZES)}.")] = "small",
    pretrain_tokens: Annotated[
        int, typer.Option(min=1, help="Length of the pre-training.")
    ] = 40_000_000,
    epochs: Annotated[int, typer.Option(min=1, help="Epochs of fine-tuning.")] = 3,
    vocabulary: Annotated[
        int, typer.Option(min=100, max=32_767, help="Tokens of a new vocabulary.")
    ] = 20_000,
    max_length: Annotated[
        int, typer.Option(min=16, max=512, help="Tokens of a message the model reads.")
    ] = 256,
    version: Annotated[str, typer.Option(help="Version of the bundle.")] = "0.1.0",
    seed: Annotated[
        int, typer.Option(help="Seed of every random choice but the validation messages.")
    ] = 1,
    restart: Annotated[bool, typer.Option(help="Delete an earlier run first.")] = False,
) -> None:
    """Train a bundle. An interrupted run goes on where it stopped when called again."""
    torch.set_num_threads(os.cpu_count() or 1)
    settings = TrainSettings(
        data=str(data),
        base=None if pretrain else base,
        teacher=teacher,
        data_card=str(data_card) if data_card else None,
        labels_only=labels_only,
        version=version,
        max_length=max_length,
        vocabulary=vocabulary,
        seed=seed,
        pretrain=PretrainSettings(size=size, tokens=pretrain_tokens, seed=seed),
        finetune=replace(FinetuneSettings(), epochs=epochs, seed=seed),
    )
    with plain_errors():
        training = Training(settings, work, restart=restart)
        start_logging(work / "train.log")
        training.run(out)


if __name__ == "__main__":
    typer.run(main)
