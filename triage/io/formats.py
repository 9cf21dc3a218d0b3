"""Choose reader and writer by a file's extension; outputs appear whole or not at all."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Final

from triage.errors import InputFileError
from triage.io.encoding import detect_encoding
from triage.io.jsonl import JsonlReader, JsonlWriter
from triage.io.rows import Reader, Writer


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


def _known_format(path: Path) -> Format:
    kind = format_of(path)
    if kind is None:
        raise InputFileError(
            f"{path.name}: the extension names no known format; use {', '.join(_EXTENSIONS)}"
        )
    return kind


def _reader(path: Path) -> Reader:
    kind = _known_format(path)
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


@contextlib.contextmanager
def _writer(kind: Format, path: Path, *, with_text: bool) -> Iterator[Writer]:
    if kind is Format.XLSX:
        from triage.io.xlsx import XlsxWriter

        with contextlib.closing(XlsxWriter(with_text=with_text)) as book:
            yield book
            book.save(path)
    elif kind is Format.PARQUET:
        from triage.io.parquet import ParquetWriter

        with contextlib.closing(ParquetWriter(path, with_text=with_text)) as table:
            yield table
    elif kind is Format.CSV:
        from triage.io.csvfile import CsvWriter

        delimiter = "\t" if ".tsv" in path.suffixes else ","
        with path.open("w", encoding="utf-8-sig", newline="") as text:
            yield CsvWriter(text, delimiter, with_text=with_text)
    else:
        with path.open("wb") as lines:
            yield JsonlWriter(lines)


@contextlib.contextmanager
def open_output(path: Path, *, with_text: bool = False) -> Iterator[Writer]:
    """A writer for `path`; the file takes its name only when everything is written.

    `with_text` adds title and text to tables; JSONL holds decisions alone.

    Raises:
        InputFileError: the extension names no known format.
        OSError: the file cannot be written.
    """
    kind = _known_format(path)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with _writer(kind, part, with_text=with_text) as writer:
            yield writer
        with part.open("rb") as written:
            os.fsync(written.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
