"""CSV as spreadsheets write and read it, in Chinese offices too."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import BinaryIO, Final, TextIO

from triage.errors import InputFileError
from triage.io.columns import find_columns, misshapen, row_from
from triage.io.flat import Cell, cells, columns
from triage.io.rows import InputRow, Outcome, RowError

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


class CsvWriter:
    """Flat rows, UTF-8 with a mark at the front so that spreadsheets read Chinese."""

    def __init__(self, file: TextIO, delimiter: str = ",", *, with_text: bool) -> None:
        self._with_text = with_text
        self._writer = csv.writer(file, delimiter=delimiter)
        self._writer.writerow(columns(with_text=with_text))

    def write(self, outcome: Outcome) -> None:
        """Write one row."""
        row = cells(outcome, with_text=self._with_text)
        self._writer.writerow([safe(value) for value in row.values()])
