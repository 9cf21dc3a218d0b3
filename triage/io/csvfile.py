"""CSV as spreadsheets write and read it, in Chinese offices too."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterable, Iterator
from typing import BinaryIO, Final

from triage.errors import InputFileError
from triage.io.columns import find_columns, misshapen, row_from
from triage.io.rows import Cell, InputRow, RowError

MARK: Final = codecs.BOM_UTF8
_MAX_FIELD_CHARS: Final = 2 * 1024 * 1024
# A spreadsheet takes a cell that begins like this for a formula (OWASP, "CSV Injection").
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


class CsvReader:
    """Rows of a CSV file with a header line; comma, semicolon or tab, whichever the header has."""

    def __init__(self, raw: BinaryIO, encoding: str, name: str, total: int | None) -> None:
        self.total = total
        self._raw = raw
        self._name = name
        self._text = io.TextIOWrapper(raw, encoding, errors="surrogateescape", newline="")

    @property
    def done(self) -> int:
        """Bytes read."""
        return self._raw.tell()

    def __iter__(self) -> Iterator[InputRow]:
        csv.field_size_limit(_MAX_FIELD_CHARS)
        first = self._text.readline(_MAX_FIELD_CHARS)
        if not first.strip():
            raise InputFileError(f"{self._name} is empty; it needs a header line")
        delimiter = max(",;\t", key=first.count)
        header = next(csv.reader([first], delimiter=delimiter))
        fields = find_columns(header, self._name)
        records = csv.reader(self._text, delimiter=delimiter)
        number = 1
        while True:
            number += 1
            try:
                record = next(records)
            except StopIteration:
                return
            except csv.Error:
                detail = "The row is not valid CSV, or a cell is too long; check its quotes."
                yield InputRow(number, None, RowError("invalid_row", detail))
                continue
            if not any(cell.strip() for cell in record):
                continue
            if any(record[len(header) :]):
                yield misshapen(number, len(record), len(header))
                continue
            found = {f: record[i] if i < len(record) else None for f, i in fields.items()}
            yield row_from(number, found)

    def close(self) -> None:
        """Close the file beneath."""
        self._text.close()


def safe(value: Cell) -> str:
    """A cell as text that no spreadsheet takes for a formula."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str) and value.lstrip(" ").startswith(_FORMULA):
        return "'" + value
    return str(value)


def csv_lines(rows: Iterable[Iterable[Cell]], delimiter: str) -> bytes:
    """Rows as UTF-8; a file of them begins with `MARK`, so that spreadsheets read Chinese."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter)
    writer.writerows([safe(value) for value in row] for row in rows)
    return text.getvalue().encode()
