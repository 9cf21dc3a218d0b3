"""Input files of every format, and what is equal of outputs."""

from __future__ import annotations

import zipfile
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq

from tests.cli.conftest import write_rows

KINDS = ("jsonl", "csv", "xlsx", "parquet")
ROWS = 700


def write(path: Path, messages: list[str]) -> Path:
    if path.suffix == ".jsonl":
        return write_rows(path, messages)
    ids = [str(number) for number in range(len(messages))]
    if path.suffix == ".parquet":
        pq.write_table(pa.table({"id": ids, "text": messages}), path, row_group_size=100)
    elif path.suffix == ".xlsx":
        book = openpyxl.Workbook()
        sheet = book.active
        assert sheet is not None
        for row in [("id", "text"), *zip(ids, messages, strict=True)]:
            sheet.append(row)
        book.save(path)
    else:
        path.write_text("\n".join(["id,text", *map(",".join, zip(ids, messages, strict=True))]))
    return path


def content(path: Path) -> list[bytes]:
    """What is equal where two outputs are: a workbook says besides when it was made."""
    if path.suffix != ".xlsx":
        return [path.read_bytes()]
    with zipfile.ZipFile(path) as book:
        return [book.read(name) for name in book.namelist() if name != "docProps/core.xml"]


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}
