"""A tiny untrained encoder on disk, in the form that `--base` takes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from transformers import BertConfig, BertModel

from training.vocabulary import SPECIAL


def write_checkpoint(directory: Path, texts: Sequence[str]) -> Path:
    """One small layer and a vocabulary of the characters of `texts`."""
    torch.manual_seed(0)
    words = [*SPECIAL, *sorted(set("".join(texts)) - {" "})]
    config = BertConfig(
        vocab_size=len(words), hidden_size=32, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=64, max_position_embeddings=64,
    )  # fmt: skip
    BertModel(config).save_pretrained(directory)
    (directory / "vocab.txt").write_text("\n".join(words) + "\n", encoding="utf-8")
    return directory
