"""What travels between readers, the classifier and writers: one row in, one outcome out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from triage.errors import InvalidMessageError
from triage.io.messages import Fault, faults_of
from triage.types import Decision, Message

Cell = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class RowError:
    """Why a row has no decision; it never holds what the row held."""

    code: str
    detail: str
    faults: tuple[Fault, ...] = ()

    @classmethod
    def of(cls, error: InvalidMessageError) -> RowError:
        """The row's error for a refused message."""
        return cls(error.code, str(error), faults_of(error))


@dataclass(frozen=True, slots=True)
class InputRow:
    """One row of a file: `content` is a message, or the error that reading it met.

    `number` is where a person finds the row: the line of a JSONL file, the row of a sheet
    (its header is row 1; a CSV counts records as a sheet would), the record of a Parquet file.
    """

    number: int
    id: str | None
    content: Message | RowError


@dataclass(frozen=True, slots=True)
class Outcome:
    """The row and its decision or error."""

    row: InputRow
    result: Decision | RowError


class Reader(Protocol):
    """Rows of a file, streamed. `done` of `total` (bytes or rows) tells how far it is."""

    total: int | None

    @property
    def done(self) -> int:
        """How much of `total` was read."""
        ...

    def __iter__(self) -> Iterator[InputRow]: ...

    def close(self) -> None:
        """Close the file."""
        ...


class TableWriter(Protocol):
    """A table as a file: takes its rows one by one, in constant memory."""

    def write(self, row: Sequence[Cell]) -> None:
        """Add one row, its cells in the order of the columns."""
        ...

    def save(self) -> None:
        """Complete the file."""
        ...

    def close(self) -> None:
        """Let go of an incomplete file; does nothing after `save`."""
        ...
