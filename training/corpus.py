"""Text for pre-training: one normalised document after another, from a data directory."""

from __future__ import annotations

import json
import lzma
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from triage.errors import InputFileError
from triage.normalise import normalise

LABELLED = "labelled/train.jsonl"
UNLABELLED = "unlabelled/messages.jsonl.xz"
GENERAL = "corpus/general.txt.xz"


def _open(path: Path) -> TextIO:
    return (
        lzma.open(path, "rt", encoding="utf-8")
        if path.suffix == ".xz"
        else path.open(encoding="utf-8")
    )


def _messages(path: Path) -> Iterator[str]:
    with _open(path) as lines:
        for line in lines:
            record = json.loads(line)
            yield f"{record.get('title') or ''} {record['text']}"


def domain_documents(data: Path) -> Iterator[str]:
    """Normalised messages of the training and unlabelled files, never of the development set."""
    for name in (LABELLED, UNLABELLED):
        if (data / name).is_file():
            yield from (normalise(text).text for text in _messages(data / name))


def general_documents(data: Path) -> Iterator[str]:
    """Normalised lines of the general corpus; nothing when the file is absent."""
    path = data / GENERAL
    if path.is_file():
        with _open(path) as lines:
            yield from (normalise(line).text for line in lines)


def require(data: Path) -> None:
    """Check that `data` holds what training needs.

    Raises:
        InputFileError: the labelled training file is missing.
    """
    if not (data / LABELLED).is_file():
        raise InputFileError(
            f"{data / LABELLED} does not exist; give the data directory with DATA=…"
        )
