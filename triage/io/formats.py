"""Choose the reader by a file's extension."""

from __future__ import annotations

import contextlib
from enum import StrEnum
from pathlib import Path
from typing import Final

from triage.errors import InputFileError
from triage.io.encoding import detect_encoding
from triage.io.jsonl import JsonlReader
from triage.io.rows import Reader


class Format(StrEnum):
    """What a file holds."""

    JSONL = "jsonl"
    CSV = "csv"
    XLSX = "xlsx"
    PARQUET = "parquet"


_EXTENSIONS: Final = {
    ".jsonl": Format.JSONL,
    ".ndjson": Format.JSONL,
    ".csv": Format.CSV,
    ".tsv": Format.CSV,
    ".xlsx": Format.XLSX,
    ".parquet": Format.PARQUET,
}


def format_of(path: Path) -> Format | None:
    """The format that the extension names, or None."""
    return _EXTENSIONS.get(path.suffix.lower())


def known_format(path: Path) -> Format:
    """The format that the extension names.

    Raises:
        InputFileError: it names none.
    """
    kind = format_of(path)
    if kind is None:
        raise InputFileError(
            f"{path.name}: the extension names no known format; use {', '.join(_EXTENSIONS)}"
        )
    return kind


def _reader(path: Path) -> Reader:
    kind = known_format(path)
    if kind is Format.XLSX:
        from triage.io.xlsx import XlsxReader

        return XlsxReader(path)
    if kind is Format.PARQUET:
        from triage.io.parquet import ParquetReader

        return ParquetReader(path)
    total = path.stat().st_size
    if kind is Format.CSV:
        from triage.io.csvfile import CsvReader

        return CsvReader(path.open("rb"), detect_encoding(path), path.name, total)
    return JsonlReader(path.open("rb"), total)


def open_input(path: Path) -> contextlib.closing[Reader]:
    """A reader for `path`, to be used in a `with` statement.

    Raises:
        InputFileError: the file is missing, unreadable, or not what its extension says; here
            or, where a fault lies deeper in the file, while reading.
    """
    try:
        return contextlib.closing(_reader(path))
    except OSError as error:
        raise InputFileError(f"{path.name} cannot be read: {error.strerror or error}") from None
