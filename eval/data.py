"""Labelled messages from JSONL, and the arrays of their labels."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from eval.metrics import Bools, Ints
from triage.errors import InputFileError
from triage.labels import CLASSES, DEPARTMENTS, REASONS
from triage.types import MAX_TEXT_CHARS, MAX_TITLE_CHARS, Message, Reason

NOTHING: Final = len(DEPARTMENTS)
"""Index of "no matter to handle" among the labels."""

Class = Literal["civil", "administrative", "public_interest", "complaints", "none"]


class Labelled(BaseModel):
    """One labelled message; columns that are not named here are ignored.

    `contested` and `contested_urgent` mark where two annotators differ; the other annotator's
    department is then `second`.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: Annotated[str, Field(min_length=1)]
    text: Annotated[str, Field(min_length=1, max_length=MAX_TEXT_CHARS)]
    title: Annotated[str, Field(max_length=MAX_TITLE_CHARS)] | None = None
    department: Class
    second: Class | None = None
    urgent: bool
    reasons: tuple[Reason, ...] = ()
    contested: bool = False
    contested_urgent: bool = False
    source: str = "unknown"
    sampled: str = "unknown"

    @property
    def message(self) -> Message:
        """What an intake system would have sent."""
        return Message(title=self.title or None, text=self.text)


def _record(line: str, where: str) -> Labelled:
    try:
        fields = json.loads(line)
    except json.JSONDecodeError:
        raise InputFileError(f"{where}: no valid JSON; write one object on each line") from None
    if not isinstance(fields, dict):
        raise InputFileError(f"{where}: not a JSON object; write one object on each line")
    try:
        return Labelled.model_validate(fields)
    except ValidationError as error:
        # Only the names and kinds of faults: the values are what citizens wrote.
        faults = "; ".join(
            f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_input=False)
        )
        raise InputFileError(f"{where}: {faults}; mend or remove this line") from None


def read_labelled(path: Path) -> list[Labelled]:
    """Read a labelled JSONL file; blank lines are skipped.

    Raises:
        InputFileError: the file is missing, empty or not UTF-8, or a line is no labelled message;
            the error names file, line and field, never the text.
    """
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except FileNotFoundError:
        raise InputFileError(
            f"{path} is missing; give --data a directory that holds labelled/{path.name}"
        ) from None
    except UnicodeDecodeError as error:
        raise InputFileError(
            f"{path} is not UTF-8 (byte {error.start}); save it as UTF-8"
        ) from None
    except OSError as error:
        raise InputFileError(f"{path} cannot be read: {error.strerror}") from None
    records: list[Labelled] = []
    seen: dict[str, int] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        record = _record(line, f"{path}, line {number}")
        if record.id in seen:
            raise InputFileError(
                f"{path}, line {number}: the id already stands on line {seen[record.id]}; "
                "remove one of the two"
            )
        seen[record.id] = number
        records.append(record)
    if not records:
        raise InputFileError(
            f"{path} holds no labelled message; write one JSON object on each line"
        )
    return records


def fingerprint(paths: Sequence[Path]) -> str:
    """SHA-256 over the contents of files, in order."""
    digest = hashlib.sha256()
    for path in paths:
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class Truth:
    """The labels of `n` messages as arrays.

    `department`, `other` `[n]`: index in `labels.CLASSES`; `other` is the second annotator's, the
    same where both agree. `reasons` `[n, 7]` in the order of `labels.REASONS`. `contested` and
    `contested_urgent` mark where the annotators differ.
    """

    department: Ints
    other: Ints
    urgent: Bools
    reasons: Bools
    contested: Bools
    contested_urgent: Bools

    @property
    def strict(self) -> Bools:
        """Messages of a department that both annotators named."""
        kept: Bools = ~self.contested & (self.department != NOTHING)
        return kept


def truth_of(records: Sequence[Labelled]) -> Truth:
    """The labels of `records`."""
    department = np.array([CLASSES.index(r.department) for r in records], dtype=np.int64)
    second = [CLASSES.index(r.second) if r.contested and r.second else -1 for r in records]
    return Truth(
        department=department,
        other=np.where(np.array(second) >= 0, second, department).astype(np.int64),
        urgent=np.array([r.urgent for r in records], dtype=bool),
        reasons=np.array([[x in r.reasons for x in REASONS] for r in records], dtype=bool),
        contested=np.array([r.contested for r in records], dtype=bool),
        contested_urgent=np.array([r.contested_urgent for r in records], dtype=bool),
    )
