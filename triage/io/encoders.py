"""Outcomes as bytes. An encoder can be pickled, so that bytes are made where decisions are made.

JSONL and CSV are written as encoded. The rows of workbooks and Parquet files are JSON lists, one
a line, from which the file is built when all are there; see `triage.io.output`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from triage.io.csvfile import MARK, csv_lines
from triage.io.flat import cells, columns
from triage.io.formats import Format, known_format
from triage.io.jsonl import to_line
from triage.io.rows import Cell, Outcome, RowError

Encode = Callable[[Iterable[Outcome]], bytes]


def json_lines(outcomes: Iterable[Outcome]) -> bytes:
    """Decisions and errors, one a line."""
    return b"".join(map(to_line, outcomes))


def _csv_rows(outcomes: Iterable[Outcome], *, delimiter: str, with_text: bool) -> bytes:
    return csv_lines(
        (cells(outcome, with_text=with_text).values() for outcome in outcomes), delimiter
    )


def _list_lines(outcomes: Iterable[Outcome], *, with_text: bool, exact: bool) -> bytes:
    """Cells as a JSON list a line; where `exact`, the last one is the decision's own JSON."""
    lines = []
    for outcome in outcomes:
        row: list[Cell] = list(cells(outcome, with_text=with_text).values())
        if exact:
            result = outcome.result
            row.append(None if isinstance(result, RowError) else result.model_dump_json())
        lines.append(json.dumps(row, ensure_ascii=False) + "\n")
    return "".join(lines).encode()


def _delimiter(path: Path) -> str:
    return "\t" if path.suffix.lower() == ".tsv" else ","


def encoder_for(path: Path, *, with_text: bool) -> Encode:
    """How the rows of the output file `path` are encoded.

    Raises:
        InputFileError: the extension names no known format.
    """
    kind = known_format(path)
    if kind is Format.JSONL:
        return json_lines
    if kind is Format.CSV:
        return partial(_csv_rows, delimiter=_delimiter(path), with_text=with_text)
    return partial(_list_lines, with_text=with_text, exact=kind is Format.PARQUET)


def head_of(path: Path, *, with_text: bool) -> bytes:
    """What stands before the rows of the output file `path`."""
    if known_format(path) is not Format.CSV:
        return b""
    return MARK + csv_lines([columns(with_text=with_text)], _delimiter(path))
