"""Logs for machines: one JSON object a line, and never what a citizen wrote."""

from __future__ import annotations

import json
import logging
import sys
import traceback
from datetime import UTC, datetime
from types import TracebackType
from typing import Final

_OPERATION: Final = logging.getLogger("triage.serving")


class JsonFormatter(logging.Formatter):
    """Time, level, logger, message, and the mapping given as `extra={"fields": …}`.

    Of an exception only its class and the places in the code are written: its message may quote
    the text that it failed on.
    """

    def format(self, record: logging.LogRecord) -> str:
        """One line of JSON."""
        entry: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        fields = getattr(record, "fields", None)
        if isinstance(fields, dict):
            entry |= fields
        if record.exc_info and record.exc_info[0]:
            entry["exception"] = record.exc_info[0].__name__
            entry["at"] = places(record.exc_info[2])
        return json.dumps(entry, ensure_ascii=False)


def places(trace: TracebackType | None) -> list[str]:
    """Where in the code an exception passed, innermost last; no values and no source lines."""
    frames = traceback.extract_tb(trace)[-20:]
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]


def configure(level: str) -> None:
    """Send all logs, uvicorn's and warnings too, to stderr as JSON."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    logging.captureWarnings(True)
    # At every start it lists its own parts.
    logging.getLogger("alembic").setLevel(logging.WARNING)
    # Every request is logged once, by the middleware, with its id.
    logging.getLogger("uvicorn.access").disabled = True


def operation(message: str, *, level: int = logging.INFO, **fields: object) -> None:
    """Log an event of the service."""
    _OPERATION.log(level, message, extra={"fields": fields})


def failure(message: str, error: BaseException, **fields: object) -> None:
    """Log an unexpected exception: its class and where, never its message."""
    where = {"exception": type(error).__name__, "at": places(error.__traceback__)}
    _OPERATION.error(message, extra={"fields": fields | where})
