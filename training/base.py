"""Start from a checkpoint instead of pre-training: a directory or a hub id."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from huggingface_hub import snapshot_download
from tokenizers import Tokenizer, decoders, normalizers, pre_tokenizers
from tokenizers.models import WordPiece

from training.vocabulary import SPECIAL, UNK
from triage.bundle import default_path
from triage.errors import InputFileError

EMBEDDED: Final = default_path().parent / "encoder"
"""The pre-trained encoder of the repository."""

_WANTED = ["config.json", "tokenizer.json", "tokenizer_config.json", "vocab.txt",
           "model.safetensors", "pytorch_model.bin"]  # fmt: skip


def resolve_base(base: str) -> Path:
    """The local directory of a checkpoint, downloaded (or taken from a mirror's cache) if needed.

    `HF_ENDPOINT` names a mirror, `HF_HUB_OFFLINE=1` forbids the network.

    Raises:
        InputFileError: there is no such directory and the hub does not have it or is out of reach.
    """
    if Path(base).is_dir():
        return Path(base)
    try:
        return Path(snapshot_download(base, allow_patterns=_WANTED))
    except (OSError, ValueError) as error:
        raise InputFileError(
            f"{base} is neither a directory nor a model that the hub delivers; download it on a "
            "machine with internet, copy the directory here and give its path"
        ) from error


def bert_tokenizer(model: WordPiece) -> Tokenizer:
    """A tokenizer that splits as BERT does: lower case, every Han character on its own."""
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True, strip_accents=False)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    return tokenizer


def load_tokenizer(directory: Path) -> Tokenizer:
    """The tokenizer of a checkpoint, from `tokenizer.json` or, failing that, `vocab.txt`.

    Raises:
        InputFileError: the checkpoint has neither.
    """
    whole, words = directory / "tokenizer.json", directory / "vocab.txt"
    if whole.is_file():
        tokenizer = Tokenizer.from_file(str(whole))
    elif words.is_file():
        # Read directly: the BERT class of transformers 5 ignores a bare vocabulary file.
        tokenizer = bert_tokenizer(WordPiece.from_file(str(words), unk_token=SPECIAL[UNK]))
    else:
        raise InputFileError(f"{directory} has neither tokenizer.json nor vocab.txt")
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer
