"""The multi-task classifier: an encoder, pooled, with heads for class, urgency and reasons."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import torch
from torch import nn
from transformers import AutoConfig, BertConfig, BertModel

from triage.labels import CLASSES, REASONS


class Scores(NamedTuple):
    """`classes` `[batch, 5]`, `urgent` `[batch]`, `reasons` `[batch, 7]`: logits.

    There are other than five classes only where another classification is measured.
    """

    classes: torch.Tensor
    urgent: torch.Tensor
    reasons: torch.Tensor


class TriageModel(nn.Module):
    """Mean and maximum over the tokens of a BERT encoder feed three linear heads."""

    def __init__(
        self, encoder: BertModel, dropout: float = 0.1, classes: int = len(CLASSES)
    ) -> None:
        super().__init__()
        self.encoder, self.classes = encoder, classes
        width = 2 * encoder.config.hidden_size
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(width, classes + 1 + len(REASONS))
        nn.init.normal_(self.head.weight, std=0.02)
        nn.init.zeros_(self.head.bias)

    def forward(
        self,
        input_ids: torch.Tensor,
        token_type_ids: torch.Tensor,
        mask: torch.Tensor | None = None,
    ) -> Scores:
        """Score `[batch, length]` ids; `mask` `[batch, length]` is 1 on real tokens, or None."""
        hidden = self.encoder(
            input_ids=input_ids, token_type_ids=token_type_ids, attention_mask=mask
        ).last_hidden_state
        if mask is None:
            mean, top = hidden.mean(dim=1), hidden.amax(dim=1)
        else:
            real = mask[..., None].to(hidden.dtype)
            mean = (hidden * real).sum(dim=1) / real.sum(dim=1)
            top = hidden.masked_fill(real == 0, float("-inf")).amax(dim=1)
        out = self.head(self.dropout(torch.cat([mean, top], dim=-1)))
        last = self.classes
        return Scores(out[:, :last], out[:, last], out[:, last + 1 :])


def load_encoder(base: Path) -> BertModel:
    """A BERT encoder from a checkpoint's directory, in single precision, with its own dropout.

    The encoders pre-trained here have none: it costs a fifth of the time of a step, and hidden
    tokens do its work in fine-tuning.

    Raises:
        ValueError: the checkpoint is not of the BERT family.
        OSError: a file of it is missing.
    """
    config = AutoConfig.from_pretrained(base)
    if not isinstance(config, BertConfig):
        raise ValueError(f"{base} is of type {config.model_type}; give a checkpoint of BERT")
    return BertModel.from_pretrained(base, add_pooling_layer=False, dtype=torch.float32)
