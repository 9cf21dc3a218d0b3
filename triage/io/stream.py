"""Classify rows one after the other: every row gets a decision or an error, in order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from triage.errors import InvalidMessageError
from triage.io.rows import InputRow, Outcome, RowError
from triage.types import Decision, Message


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
