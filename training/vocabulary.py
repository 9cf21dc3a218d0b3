"""A vocabulary of characters and frequent words, and the tokenizer that cuts a text into them.

Frequent words as tokens make a message a third shorter and give a small encoder a vector for a
whole word, which it would otherwise have to compose from characters in its few layers (WoBERT,
Su 2020). Rare words fall apart into shorter words and characters. The pieces and their
probabilities are jieba's words as counted here, so the most probable cut (Kudo 2018) is close to
jieba's own, at a fraction of its time.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

from training.words import cut, map_batches, start_jieba

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
UNK, CLS, SEP, MASK = range(1, 5)
_CHARACTERS, _LONGEST, _RARE = 6_500, 8, 8


def _count(documents: list[str]) -> tuple[Counter[str], Counter[str]]:
    words: Counter[str] = Counter()
    characters: Counter[str] = Counter()
    for document in documents:
        lowered = document.lower()
        words.update(cut(lowered))
        characters.update(lowered)
    return words, characters


def unigram_tokenizer(pieces: list[tuple[str, float]]) -> Tokenizer:
    """A tokenizer with the pieces and log probabilities given; the special tokens come first."""
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=UNK, byte_fallback=False))
    tokenizer.normalizer = normalizers.BertNormalizer(
        lowercase=True, strip_accents=False, handle_chinese_chars=False
    )
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.add_special_tokens(list(SPECIAL))
    return tokenizer


def train_vocabulary(documents: Iterable[str], size: int = 20_000, workers: int = 1) -> Tokenizer:
    """A tokenizer of at most `size` tokens: frequent characters, then the most frequent words.

    Of `documents`, normalised, the 6,500 most frequent characters are kept; rarer ones become
    `[UNK]`.
    """
    words: Counter[str] = Counter()
    characters: Counter[str] = Counter()
    for more_words, more_characters in map_batches(
        _count, documents, workers, "vocabulary", start_jieba
    ):
        words.update(more_words)
        characters.update(more_characters)
    kept = [
        c for c, n in characters.most_common(min(_CHARACTERS, size)) if n >= _RARE and c.strip()
    ]
    room = size - len(SPECIAL) - len(kept)
    longer = [w for w, n in words.most_common() if n >= _RARE and 1 < len(w) <= _LONGEST
              and w.isalnum()]  # fmt: skip
    chosen = kept[: size - len(SPECIAL)] + longer[: max(0, room)]
    total = sum(words[w] for w in chosen) + len(chosen)
    pieces = [(special, 0.0) for special in SPECIAL]
    pieces += [(piece, math.log((words[piece] + 1) / total)) for piece in chosen]
    return unigram_tokenizer(pieces)
