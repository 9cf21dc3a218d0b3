"""Folders of JSONL or Parquet files, in blocks of rows that machines read apart from each other."""

from __future__ import annotations

import contextlib
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from triage.errors import InputFileError
from triage.io.formats import Format, format_of
from triage.io.jsonl import MAX_LINE_BYTES, JsonlReader
from triage.io.rows import Reader
from triage.io.unfinished import Source

BLOCK_ROWS: Final = 2_048
_BLOCK_BYTES: Final = 4 * 1024 * 1024
_FORMATS: Final = (Format.JSONL, Format.PARQUET)


@dataclass(frozen=True, slots=True)
class Block:
    """Rows of one file: `rows` lines or records after the first `before`.

    Of a JSONL file they are the bytes `start` to `end`.
    """

    file: str
    before: int
    rows: int
    start: int = 0
    end: int = 0


def files_of(source: Path) -> list[Path]:
    """The JSONL or Parquet files of a folder by name, or the file that `source` is.

    Raises:
        InputFileError: there are none, or files of both formats.
    """
    if not source.exists():
        raise InputFileError(f"there is no file or folder {source}")
    listed = sorted(source.iterdir()) if source.is_dir() else [source]
    files = [file for file in listed if format_of(file) in _FORMATS and file.name[0] not in "._"]
    if not files:
        raise InputFileError(f"{source.name} holds no .jsonl or .parquet file")
    if len({format_of(file) for file in files}) > 1:
        raise InputFileError(f"{source.name} holds files of several formats; use one")
    return files


def blocks_of(file: Path) -> tuple[Source, list[Block]]:
    """The file by its content, which is read once, and its blocks in order.

    Raises:
        InputFileError: it is not what its extension says, or has no column for the text.
    """
    if format_of(file) is Format.JSONL:
        return _line_blocks(file)
    from triage.io.parquet import ParquetReader

    with contextlib.closing(ParquetReader(file)) as reader:
        total = reader.total or 0
    cuts = range(0, total, BLOCK_ROWS)
    return Source.of(file), [
        Block(str(file), before, min(BLOCK_ROWS, total - before)) for before in cuts
    ]


def _line_blocks(file: Path) -> tuple[Source, list[Block]]:
    digest = hashlib.sha256()
    blocks = []
    before = rows = start = end = 0
    ended = True
    with file.open("rb") as lines:
        while piece := lines.readline(MAX_LINE_BYTES):
            digest.update(piece)
            end += len(piece)
            rows += ended  # a piece may go on with the line before
            ended = piece.endswith(b"\n")
            if ended and (rows >= BLOCK_ROWS or end - start >= _BLOCK_BYTES):
                blocks.append(Block(str(file), before, rows, start, end))
                before, rows, start = before + rows, 0, end
    if rows:
        blocks.append(Block(str(file), before, rows, start, end))
    return Source(bytes=end, sha256=digest.hexdigest()), blocks


class _Piece:
    """A part of a file, to read lines from."""

    def __init__(self, file: BinaryIO, start: int, end: int) -> None:
        self._file, self._left = file, end - start
        file.seek(start)

    def readline(self, limit: int, /) -> bytes:
        line = self._file.readline(min(limit, self._left))
        self._left -= len(line)
        return line

    def close(self) -> None:
        self._file.close()


def open_block(block: Block) -> contextlib.closing[Reader]:
    """A reader for the rows of `block`, with the numbers that they have in the file.

    Raises:
        InputFileError: the file cannot be read.
    """
    file = Path(block.file)
    reader: Reader
    try:
        if format_of(file) is Format.JSONL:
            piece = _Piece(file.open("rb"), block.start, block.end)
            reader = JsonlReader(piece, block.end - block.start, before=block.before)
        else:
            from triage.io.parquet import ParquetReader

            reader = ParquetReader(file, range(block.before, block.before + block.rows))
    except OSError as error:
        raise InputFileError(f"{file.name} cannot be read: {error.strerror or error}") from None
    return contextlib.closing(reader)
