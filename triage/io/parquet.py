"""Parquet: batches of rows in, row groups out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from triage.errors import InputFileError
from triage.io.columns import find_columns, row_from
from triage.io.flat import columns
from triage.io.rows import Cell, InputRow

_READ_ROWS: Final = 1_024
_WRITE_ROWS: Final = 4_096
# No message may hold it: a cell that cannot be read makes its row one with an error.
_UNREADABLE: Final = "\udcff"
_TYPES: Final = {str: pa.string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_()}


class ParquetReader:
    """Records of a Parquet file, all or a range; only the columns that a message has are read."""

    def __init__(self, path: Path, records: range | None = None) -> None:
        self._name = path.name
        try:
            self._file = pq.ParquetFile(path)
        except (pa.ArrowException, OSError):
            raise InputFileError(f"{path.name} is no Parquet file") from None
        names = self._file.schema_arrow.names
        self._fields = {f: names[i] for f, i in find_columns(names, path.name).items()}
        self._records = records or range(self._file.metadata.num_rows)
        self.total: int | None = len(self._records)
        self.done = 0

    def __iter__(self) -> Iterator[InputRow]:
        groups, skip = self._groups()
        batches = self._file.iter_batches(
            _READ_ROWS, row_groups=groups, columns=list(self._fields.values())
        )
        while self.done < len(self._records) and (batch := self._next(batches)) is not None:
            wanted = batch.slice(skip, len(self._records) - self.done)
            skip = max(0, skip - batch.num_rows)
            for record in _records(wanted):
                found = {field: record[name] for field, name in self._fields.items()}
                self.done += 1
                yield row_from(self._records.start + self.done, found)

    def _groups(self) -> tuple[list[int], int]:
        """The row groups that hold the records, and how many records to skip in them."""
        metadata = self._file.metadata
        groups: list[int] = []
        first = skip = 0
        for group in range(metadata.num_row_groups):
            end = first + metadata.row_group(group).num_rows
            if first < self._records.stop and end > self._records.start:
                if not groups:
                    skip = self._records.start - first
                groups.append(group)
            first = end
        return groups, skip

    def _next(self, batches: Iterator[pa.RecordBatch]) -> pa.RecordBatch | None:
        try:
            return next(batches, None)
        except (pa.ArrowException, OSError):
            after = self._records.start + self.done
            raise InputFileError(f"{self._name} is damaged after record {after}") from None

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _records(batch: pa.RecordBatch) -> Iterable[dict[str, object]]:
    """The rows of a batch; where one of its cells cannot be read, cell by cell."""
    try:
        records: list[dict[str, object]] = batch.to_pylist()
    except (ValueError, OverflowError):
        names, columns = batch.schema.names, batch.columns
        cells = ([_cell(column[row]) for column in columns] for row in range(batch.num_rows))
        return (dict(zip(names, row, strict=True)) for row in cells)
    return records


def _cell(scalar: pa.Scalar) -> object:
    """The value of a cell, if it is UTF-8 and, as a time, one that Python knows."""
    try:
        value: object = scalar.as_py()
    except (ValueError, OverflowError):
        return _UNREADABLE
    return value


class ParquetWriter:
    """Flat columns, and `decision`: the exact JSON of the decision."""

    def __init__(self, path: Path, *, with_text: bool) -> None:
        kinds = columns(with_text=with_text)
        fields = [pa.field(name, _TYPES[kind]) for name, kind in kinds.items()]
        self._schema = pa.schema([*fields, pa.field("decision", pa.string())])
        self._rows: list[Sequence[Cell]] = []
        self._writer = pq.ParquetWriter(path, self._schema, compression="zstd")

    def write(self, row: Sequence[Cell]) -> None:
        """Add one row; a full row group goes to the file."""
        self._rows.append(row)
        if len(self._rows) >= _WRITE_ROWS:
            self._flush()

    def _flush(self) -> None:
        arrays = map(pa.array, zip(*self._rows, strict=True), self._schema.types)
        self._writer.write_table(pa.Table.from_arrays(list(arrays), schema=self._schema))
        self._rows.clear()

    def save(self) -> None:
        """Write what is left and the footer."""
        if self._rows:
            self._flush()
        self._writer.close()

    def close(self) -> None:
        """Close the file; without its footer it cannot be read."""
        self._writer.close()
