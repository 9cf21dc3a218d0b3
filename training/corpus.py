"""The texts of a data directory: which files there are, and their normalised documents."""

from __future__ import annotations

import csv
import json
import lzma
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TextIO

from triage.bundle import file_hash
from triage.errors import InputFileError
from triage.normalise import normalise

_LABELLED = "labelled"
UNLABELLED = "unlabelled/messages.jsonl.xz"
_GENERAL = "corpus/general.txt.xz"


def labelled_file(data: Path, name: str) -> Path | None:
    """`labelled/NAME.jsonl` or `labelled/NAME.csv` of a data directory, if there is one."""
    files = (data / _LABELLED / f"{name}{suffix}" for suffix in (".jsonl", ".csv"))
    return next((file for file in files if file.is_file()), None)


def training_file(data: Path) -> Path:
    """The labelled messages to train on.

    Raises:
        InputFileError: there are none.
    """
    file = labelled_file(data, "train")
    if file is None:
        raise InputFileError(
            f"{data / _LABELLED} has neither train.jsonl nor train.csv; "
            "give the data directory with DATA=…"
        )
    return file


def fingerprints(data: Path) -> dict[str, str]:
    """SHA-256 of every file of a data directory that changes a training."""
    files = (training_file(data), data / UNLABELLED, data / _GENERAL)
    return {file.name: file_hash(file) for file in files if file.is_file()}


def _open(path: Path) -> TextIO:
    if path.suffix == ".xz":
        return lzma.open(path, "rt", encoding="utf-8")
    return path.open(encoding="utf-8-sig", newline="")


def _records(path: Path, lines: TextIO) -> Iterator[Mapping[str, str | None]]:
    if path.suffix == ".csv":
        yield from csv.DictReader(lines)
        return
    for number, line in enumerate(lines, start=1):
        try:
            yield json.loads(line)
        except ValueError:
            raise InputFileError(f"{path}, line {number} is no JSON; mend or remove it") from None


def records(path: Path) -> Iterator[Mapping[str, str | None]]:
    """The rows of a `.jsonl`, `.jsonl.xz` or `.csv` file.

    Raises:
        InputFileError: a line is no JSON.
    """
    with _open(path) as lines:
        yield from _records(path, lines)


def _joined(path: Path) -> Iterator[str]:
    for record in records(path):
        yield normalise(f"{record.get('title') or ''} {record.get('text') or ''}").text


def domain_documents(data: Path) -> Iterator[str]:
    """Normalised messages of the training and unlabelled files, never of the development set."""
    yield from _joined(training_file(data))
    if (data / UNLABELLED).is_file():
        yield from _joined(data / UNLABELLED)


def general_documents(data: Path) -> Iterator[str]:
    """Normalised lines of the general corpus; nothing when the file is absent."""
    if (data / _GENERAL).is_file():
        with _open(data / _GENERAL) as lines:
            yield from (normalise(line).text for line in lines)
