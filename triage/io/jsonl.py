"""JSON Lines: the form in which decisions keep their exact bytes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Final, Protocol

from triage.io.columns import printable_id
from triage.io.messages import InvalidRecordError, message_from
from triage.io.rows import InputRow, Outcome, RowError
from triage.types import Message

MAX_LINE_BYTES: Final = 2 * 1024 * 1024


class Lines(Protocol):
    """What lines are read from."""

    def readline(self, limit: int, /) -> bytes:
        """The next line or `limit` bytes of it; empty at the end."""
        ...

    def close(self) -> None:
        """Close it."""
        ...


class JsonlReader:
    """One JSON object a line. Fields that no message has are left out, as columns of a table are.

    A line over 2 MiB or that is no JSON object is a row with an error. Blank lines are skipped.
    `before` is the number of lines that come before those of `file`.
    """

    def __init__(self, file: Lines, total: int | None = None, *, before: int = 0) -> None:
        self.total = total
        self.done = 0
        self._file = file
        self._before = before

    def _line(self) -> tuple[bytes, bool]:
        """The next line and whether it is complete; of one too long only the beginning is kept."""
        line = self._file.readline(MAX_LINE_BYTES + 1)
        self.done += len(line)
        if len(line) <= MAX_LINE_BYTES:
            return line, True
        rest = line
        while rest and not rest.endswith(b"\n"):
            rest = self._file.readline(MAX_LINE_BYTES)
            self.done += len(rest)
        return line, False

    def __iter__(self) -> Iterator[InputRow]:
        number = self._before
        while True:
            line, complete = self._line()
            if not line:
                return
            number += 1
            if number == 1:
                line = line.removeprefix(b"\xef\xbb\xbf")
            if not complete:
                detail = f"The line is longer than {MAX_LINE_BYTES:,} bytes; shorten the message."
                yield InputRow(number, None, RowError("invalid_row", detail))
            elif line.strip():
                yield _row(number, line)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _row(number: int, line: bytes) -> InputRow:
    try:
        record = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError:
        return InputRow(number, None, RowError("invalid_row", "The line is not UTF-8 text."))
    except (ValueError, RecursionError):
        return InputRow(number, None, RowError("invalid_row", "The line is not valid JSON."))
    if not isinstance(record, dict):
        detail = "The line is not a JSON object; write one object a line."
        return InputRow(number, None, RowError("invalid_row", detail))
    known = {key: record[key] for key in Message.model_fields if key in record}
    if isinstance(known.get("id"), int) and not isinstance(known["id"], bool):
        known["id"] = str(known["id"])
    try:
        message = message_from(known)
    except InvalidRecordError as error:
        return InputRow(number, printable_id(known.get("id")), RowError.of(error))
    return InputRow(number, message.id, message)


def to_line(outcome: Outcome) -> bytes:
    """A decision exactly as everywhere, or `{"row", "id", "error": {"code", "detail", …}}`."""
    if not isinstance(outcome.result, RowError):
        return outcome.result.model_dump_json().encode() + b"\n"
    error = asdict(outcome.result)
    error["errors"] = error.pop("faults")
    record = {"row": outcome.row.number, "id": outcome.row.id, "error": error}
    return json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
