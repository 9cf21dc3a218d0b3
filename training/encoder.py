"""The BERT encoder: its sizes, its start, and the masked-language head for pre-training."""

from __future__ import annotations

import math
from typing import Final, cast

import torch
from torch import nn
from torch.nn import functional
from transformers import BertConfig, BertModel
from transformers.models.bert.modeling_bert import BertLayer, BertSelfAttention

# name -> layers, width, heads, inner width. Heads are 64 wide, which learns fastest per second;
# the small size is lean inside, because a short run gains more from more text than from weights.
SIZES: Final = {
    "tiny": (2, 64, 1, 256),
    "small": (4, 256, 4, 512),
    "medium": (6, 384, 6, 1_536),
    "large": (12, 512, 8, 2_048),
}
POSITIONS: Final = 512
_POSITION_DIMS = 64


def bert_config(size: str, vocabulary: int, positions: int = POSITIONS) -> BertConfig:
    """The configuration of one of `SIZES`, with dropout off as suits a short pre-training."""
    layers, width, heads, inner = SIZES[size]
    return BertConfig(
        vocab_size=vocabulary,
        hidden_size=width,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        intermediate_size=inner,
        max_position_embeddings=positions,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        pad_token_id=0,
    )


def start_with_neighbours(bert: BertModel) -> None:
    """Let the first two layers begin by looking at neighbouring tokens.

    A small BERT spends millions of tokens on a plateau until attention finds the neighbours.
    Sinusoidal positions (Vaswani et al. 2017) have a rotation that maps a position to the one
    `k` further; used as the first queries, each head starts on one fixed offset and is free to
    leave it (the idea of mimetic initialisation, Trockman & Kolter 2023).
    """
    config = bert.config
    if config.hidden_size // config.num_attention_heads != _POSITION_DIMS:
        return
    half = _POSITION_DIMS // 2
    # No common period: with evenly spaced speeds a token 128 places off would look like this one.
    speed = math.pi / 2 * ((torch.arange(half) + 0.5) / half) ** 1.3
    angle = torch.arange(config.max_position_embeddings)[:, None] * speed
    with torch.no_grad():
        table = bert.embeddings.position_embeddings.weight
        table[:, :half] = angle.cos() * 0.028
        table[:, half:_POSITION_DIMS] = angle.sin() * 0.028
        bert.embeddings.word_embeddings.weight[:, :_POSITION_DIMS] *= 0.1
        offsets = ((-1, 1, -2, 2), (-1, 1, -3, 3))
        layers = cast("list[BertLayer]", list(bert.encoder.layer[:2]))
        for layer, steps in zip(layers, offsets, strict=False):
            for head in range(config.num_attention_heads):
                step = steps[head % len(steps)]
                rows = slice(head * _POSITION_DIMS, (head + 1) * _POSITION_DIMS)
                cos, sin = (speed * step).cos().diag(), (speed * step).sin().diag()
                turn = torch.cat([torch.cat([cos, -sin], 1), torch.cat([sin, cos], 1)])
                attention = cast("BertSelfAttention", layer.attention.self)
                attention.query.weight[rows] *= 0.1
                attention.key.weight[rows] *= 0.1
                attention.query.weight[rows, :_POSITION_DIMS] = turn
                attention.key.weight[rows, :_POSITION_DIMS] = torch.eye(_POSITION_DIMS)


class MaskedLanguageModel(nn.Module):
    """A `BertModel` without pooler and a tied prediction head, run on masked positions only."""

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.bert = BertModel(config, add_pooling_layer=False)
        self.transform = nn.Linear(config.hidden_size, config.hidden_size)
        self.norm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.bias = nn.Parameter(torch.zeros(config.vocab_size))
        nn.init.normal_(self.transform.weight, std=config.initializer_range)

    def forward(
        self,
        inputs: torch.Tensor,
        positions: torch.Tensor,
        targets: torch.Tensor,
        places: torch.Tensor | None = None,
        sample: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Mean cross entropy at `positions` `[m]` of the flattened `inputs` `[batch, length]`.

        `places` `[batch, length]` are the positions that the tokens are told, by default 0, 1, …
        With `sample` `[k]`, distinct token ids drawn evenly, the vocabulary in the denominator is
        estimated from the targets and the sample (sampled softmax, Jean et al. 2015): a vocabulary
        of words would cost a third of the time.
        """
        hidden = self.bert(input_ids=inputs, position_ids=places).last_hidden_state
        chosen = hidden.reshape(-1, hidden.shape[-1])[positions]
        chosen = self.norm(functional.gelu(self.transform(chosen)))
        table = self.bert.embeddings.word_embeddings.weight
        if sample is None:
            return functional.cross_entropy(functional.linear(chosen, table, self.bias), targets)
        certain, at = torch.unique(targets, return_inverse=True)
        drawn = sample[~torch.isin(sample, certain)]
        stand_for = math.log((len(table) - len(certain)) / max(1, len(drawn)))
        known = torch.cat([certain, drawn])
        scores = functional.linear(chosen, table[known], self.bias[known])
        scores = torch.cat([scores[:, : len(certain)], scores[:, len(certain) :] + stand_for], 1)
        return functional.cross_entropy(scores, at)
