"""The public benchmark: messages of the 泰迪杯 2020 C contest in seven classes."""

from __future__ import annotations

import lzma
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from training.corpus import records
from training.data import Example
from triage.errors import InputFileError
from triage.labels import REASONS
from triage.normalise import normalise

FILE: Final = "benchmark/tipdm2020.jsonl.xz"


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str
    text: Annotated[str, Field(min_length=1)]
    label: Annotated[str, Field(min_length=1)]


@dataclass(frozen=True, slots=True)
class Benchmark:
    """Messages whose `label` is an index into the sorted names of the `classes`."""

    messages: list[Example]
    classes: tuple[str, ...]


def _example(row: _Row, label: int) -> Example:
    return Example(
        id=row.id, title=None, body=normalise(row.text), label=label, second=None, urgent=False,
        reasons=(False,) * len(REASONS), sure=3, natural=True, contested=False,
        contested_urgent=False,
    )  # fmt: skip


def read_benchmark(data: Path) -> Benchmark:
    """Read the benchmark of a data directory.

    Raises:
        InputFileError: the file is missing or damaged, or has one class only; the error names
            the line, never the text.
    """
    path = data / FILE
    if not path.is_file():
        raise InputFileError(f"{path} is missing; give the data directory with DATA=…")
    rows = []
    try:
        for number, record in enumerate(records(path), start=1):
            try:
                rows.append(_Row.model_validate(record))
            except ValidationError:
                raise InputFileError(f"{path}, line {number}: id, text or label is wrong") from None
    except (lzma.LZMAError, EOFError, UnicodeDecodeError) as error:
        raise InputFileError(f"{path} is damaged; fetch it again") from error
    classes = tuple(sorted({row.label for row in rows}))
    if len(classes) < 2:
        raise InputFileError(f"{path} needs messages of two classes or more")
    made = [_example(row, classes.index(row.label)) for row in rows]
    return Benchmark([message for message in made if message.body.text], classes)
