"""Classify rows in their order: every row gets a decision or an error."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from triage.errors import InvalidMessageError
from triage.io.encoders import Encode
from triage.io.rows import InputRow, Outcome, RowError
from triage.types import Decision, Message

Chunk = Sequence[InputRow]


@dataclass(frozen=True, slots=True)
class Decided:
    """Encoded outcomes of consecutive rows, `failed` of them errors."""

    encoded: bytes
    rows: int
    failed: int


def chunks(rows: Iterable[InputRow], *, size: int, characters: int) -> Iterator[Chunk]:
    """Consecutive rows in chunks of at most `size`, fewer where their texts are long."""
    chunk: list[InputRow] = []
    length = 0
    for row in rows:
        chunk.append(row)
        length += len(row.content.text) if isinstance(row.content, Message) else 0
        if len(chunk) >= size or length >= characters:
            yield chunk
            chunk, length = [], 0
    if chunk:
        yield chunk


def classify_rows(
    rows: Iterable[InputRow], classify: Callable[[Message], Decision]
) -> Iterator[Outcome]:
    """Outcomes in the order of `rows`; memory does not grow with their number."""
    for row in rows:
        if isinstance(row.content, RowError):
            yield Outcome(row, row.content)
            continue
        try:
            yield Outcome(row, classify(row.content))
        except InvalidMessageError as error:
            yield Outcome(row, RowError.of(error))
        except Exception as error:  # one row must not end the run
            yield Outcome(row, fault(f"the program failed at it ({type(error).__name__})"))


def fault(what: str) -> RowError:
    """The error of a row that is not to blame for it; `what` quotes nothing of the row."""
    return RowError("internal_error", f"The row has no decision: {what}; please report this.")


def decide(rows: Chunk, classify: Callable[[Message], Decision], encode: Encode) -> Decided:
    """Decide and encode."""
    outcomes = list(classify_rows(rows, classify))
    failed = sum(isinstance(outcome.result, RowError) for outcome in outcomes)
    return Decided(encode(outcomes), len(outcomes), failed)
