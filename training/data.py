"""Labelled messages: read with `datasets`, validated row by row, normalised once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Literal

import datasets
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from training.corpus import records
from training.invented import INVENTED
from training.nothing import NOTHING
from triage.errors import InputFileError
from triage.labels import CLASSES, REASONS
from triage.normalise import Normalised, normalise
from triage.types import Reason

# Lines of JSON as lines: a reader of JSON guesses each column's type from the first ten megabytes,
# and fails where a later row has another, also in a column that nobody reads.
_READERS = {".jsonl": "text", ".csv": "csv"}


class Row(BaseModel):
    """One labelled message as it stands in a file; unknown columns are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str
    title: str | None = None
    text: Annotated[str, Field(min_length=1)]
    department: Literal["civil", "administrative", "public_interest", "complaints", "none"]
    second: str | None = None
    urgent: bool = False
    reasons: tuple[Reason, ...] = ()
    sure: Annotated[int, Field(ge=1, le=3)] = 3
    sampled: str = "natural"
    contested: bool = False
    contested_urgent: bool = False

    @field_validator("reasons", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        """A CSV cell holds reasons separated by semicolons or spaces."""
        if value is None:
            return ()
        return value.replace(";", " ").split() if isinstance(value, str) else value


@dataclass(frozen=True, slots=True)
class Example:
    """A normalised message with the index of its class in `labels.CLASSES`."""

    id: str
    title: Normalised | None
    body: Normalised
    label: int
    second: int | None
    urgent: bool
    reasons: tuple[bool, ...]
    sure: int
    natural: bool
    contested: bool
    contested_urgent: bool


def example_of(row: Row) -> Example | None:
    """The example of a row; None where nothing is left of its text."""
    body, title = normalise(row.text), normalise(row.title or "")
    if not body.text:
        return None
    return Example(
        id=row.id,
        title=title if title.text else None,
        body=body,
        label=CLASSES.index(row.department),
        second=CLASSES.index(row.second) if row.second in CLASSES else None,
        urgent=row.urgent,
        reasons=tuple(reason in row.reasons for reason in REASONS),
        sure=row.sure,
        natural=row.sampled == "natural",
        contested=row.contested,
        contested_urgent=row.contested_urgent,
    )


def read_labelled(path: Path, cache: Path) -> list[Example]:
    """Read a labelled JSONL or CSV file through `datasets`, cached below `cache`.

    Raises:
        InputFileError: the file is missing, of another format, or a row does not fit; the error
            names row and field, never the text.
    """
    reader = _READERS.get(path.suffix)
    if reader is None or not path.is_file():
        raise InputFileError(f"{path} is no labelled .jsonl or .csv file")
    datasets.disable_progress_bars()
    try:
        table = datasets.load_dataset(
            reader, data_files=str(path), split="train", cache_dir=str(cache)
        )
    except (datasets.exceptions.DatasetGenerationError, ValueError) as error:
        raise InputFileError(f"{path} cannot be read as {reader} in UTF-8") from error
    examples = []
    for number, record in enumerate(table, start=1):
        if reader == "text":
            line = record["text"].removeprefix("\ufeff")
            if not line.strip():
                continue
            record = _parsed(line, f"{path}, row {number}")
        try:
            # `datasets` fills columns that a row lacks with None.
            given = {name: value for name, value in record.items() if value is not None}
            example = example_of(Row.model_validate(given))
        except ValidationError as error:
            # Pydantic's messages name what is allowed; what was received stays out.
            faults = "; ".join(
                f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()
            )
            raise InputFileError(f"{path}, row {number}: {faults}") from None
        if example is not None:
            examples.append(example)
    return examples


def _parsed(line: str, place: str) -> dict[str, object]:
    try:
        record = json.loads(line)
    except json.JSONDecodeError:
        record = None
    if not isinstance(record, dict):
        raise InputFileError(f"{place}: is no JSON object")
    return record


def read_uncached(path: Path) -> list[Example]:
    """`read_labelled` for a measurement: no texts may be left beside its results.

    Raises:
        InputFileError: as `read_labelled`.
    """
    with TemporaryDirectory() as cache:
        return read_labelled(path, Path(cache))


def invented_nothing() -> list[Example]:
    """Invented messages with nothing to handle: real ones are too rare to learn from."""
    rows = (Row(id=f"nothing-{i}", text=t, department="none") for i, t in enumerate(NOTHING))
    return [example for row in rows if (example := example_of(row)) is not None]


def invented() -> list[Example]:
    """Invented messages of departments: urgent and close counterparts, one topic in several."""
    rows = (
        Row(id=f"invented-{i}", text=made.text, department=made.department, second=made.second,
            urgent=bool(made.reasons), reasons=made.reasons)
        for i, made in enumerate(INVENTED)
    )  # fmt: skip
    return [example for row in rows if (example := example_of(row)) is not None]


def data_hash(examples: Sequence[Example]) -> str:
    """SHA-256 over ids, texts and labels, in order."""
    digest = hashlib.sha256()
    for e in examples:
        digest.update(repr((e.id, e.body.original, e.label, e.urgent, e.reasons)).encode())
    return digest.hexdigest()


def read_unlabelled(path: Path) -> list[Example]:
    """Messages without labels, for a teacher to label; the labels they carry mean nothing.

    Raises:
        InputFileError: a line is no JSON.
    """
    rows = (Row.model_validate({**r, "department": "none"}) for r in records(path) if r.get("text"))
    return [example for row in rows if (example := example_of(row)) is not None]
