"""A character-level WordPiece vocabulary: one token per Han character, pieces for the rest."""

from __future__ import annotations

from collections.abc import Iterable

from tokenizers import (
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    trainers,
)

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
UNK, CLS, SEP, MASK = range(1, 5)


def bert_tokenizer(model: models.WordPiece) -> Tokenizer:
    """A tokenizer that splits as BERT does: lower case, every Han character on its own."""
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True, strip_accents=False)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    return tokenizer


def train_vocabulary(documents: Iterable[str], size: int = 7_500) -> Tokenizer:
    """Train a BERT tokenizer of at most `size` tokens on normalised `documents`.

    The alphabet keeps the 6,500 most frequent characters; rarer ones become `[UNK]`.
    """
    tokenizer = bert_tokenizer(models.WordPiece(unk_token=SPECIAL[UNK]))
    trainer = trainers.WordPieceTrainer(
        vocab_size=size,
        min_frequency=8,
        limit_alphabet=6_500,
        special_tokens=list(SPECIAL),
        show_progress=False,
    )
    tokenizer.train_from_iterator(documents, trainer)
    return tokenizer
