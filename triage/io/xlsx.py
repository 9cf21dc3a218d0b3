"""Excel workbooks, row by row: the first sheet is read, one sheet is written."""

from __future__ import annotations

import contextlib
import warnings
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final
from zipfile import BadZipFile

import openpyxl
from openpyxl.cell import Cell as SheetCell
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.utils.exceptions import InvalidFileException

from triage.errors import InputFileError
from triage.io.columns import find_columns, row_from
from triage.io.flat import columns
from triage.io.rows import Cell, InputRow

# What openpyxl lets through of damage in the archive or its XML (a ParseError is a SyntaxError,
# an encrypted member a RuntimeError).
_DAMAGE: Final = (BadZipFile, InvalidFileException, SyntaxError, EOFError, zlib.error,
                  LookupError, ValueError, TypeError, AttributeError, RuntimeError)  # fmt: skip
_MAX_CELL_CHARS: Final = 32_767
_SHEET_ROWS: Final = 1_048_576


class XlsxReader:
    """Rows of the first sheet; its first row is the header. Rows without any value are skipped.

    openpyxl holds the table of shared strings in memory, the rows are streamed.
    """

    def __init__(self, path: Path) -> None:
        self.done = 0
        self._name = path.name
        try:
            with warnings.catch_warnings():
                # It warns of styles and extensions that do not concern the values.
                warnings.simplefilter("ignore")
                self._book = openpyxl.load_workbook(path, read_only=True, data_only=True)
            self._sheet = self._book.worksheets[0]
        except _DAMAGE:
            raise InputFileError(
                f"{path.name} is no Excel workbook (.xlsx); save it again as .xlsx"
            ) from None
        self.total: int | None = self._sheet.max_row
        # Some programs write a wrong size, which would hide rows.
        self._sheet.reset_dimensions()

    def __iter__(self) -> Iterator[InputRow]:
        rows = self._sheet.iter_rows(values_only=True)
        fields = find_columns(self._next(rows) or (), self._name)
        self.done = 1
        while (values := self._next(rows)) is not None:
            self.done += 1
            found = {f: values[i] if i < len(values) else None for f, i in fields.items()}
            if any(value not in (None, "") for value in found.values()):
                yield row_from(self.done, found)

    def _next(self, rows: Iterator[tuple[object, ...]]) -> tuple[object, ...] | None:
        try:
            return next(rows, None)
        except _DAMAGE:
            raise InputFileError(f"{self._name} is damaged after row {self.done}") from None

    def close(self) -> None:
        """Close the workbook."""
        self._book.close()


class XlsxWriter:
    """Flat rows; `save` writes the workbook. No cell is a formula.

    A sheet holds 1,048,576 rows; after them the next sheet goes on.
    """

    def __init__(self, path: Path, *, with_text: bool, sheet_rows: int = _SHEET_ROWS) -> None:
        self._path = path
        self._header = list(columns(with_text=with_text))
        self._sheet_rows = sheet_rows
        self._saved = False
        self._book = openpyxl.Workbook(write_only=True)
        self._add_sheet("triage")

    def _add_sheet(self, name: str) -> None:
        self._sheet = self._book.create_sheet(name)
        self._sheet.freeze_panes = "A2"
        self._sheet.append(self._header)
        self._rows = 1

    def _cell(self, value: Cell) -> Cell | SheetCell:
        if not isinstance(value, str):
            return value
        clean = ILLEGAL_CHARACTERS_RE.sub("", value)[:_MAX_CELL_CHARS]
        cell = WriteOnlyCell(self._sheet, clean)
        cell.data_type = "s"  # never "f": a text that begins with "=" stays a text
        return cell

    def write(self, row: Sequence[Cell]) -> None:
        """Add one row."""
        if self._rows == self._sheet_rows:
            self._add_sheet(f"triage {len(self._book.worksheets) + 1}")
        self._sheet.append([self._cell(value) for value in row])
        self._rows += 1

    def save(self) -> None:
        """Write the workbook."""
        self._book.save(self._path)
        self._saved = True

    def close(self) -> None:
        """Give up an unsaved workbook; its temporary files go when the program ends."""
        if not self._saved:
            for sheet in self._book.worksheets:
                # Interrupted in the middle of a row, it can say little that is of use.
                with contextlib.suppress(Exception):
                    sheet.close()
