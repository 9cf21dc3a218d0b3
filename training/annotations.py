"""Readings of messages beyond the labelled file: `annotations.csv`, ids and labels, no texts.

Read under the guideline were the messages of the unlabelled file that resemble no other and, a
second time and blind, training messages that the rules or the first annotator held for urgent.
With other data the ids match nothing and nothing is added.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from training.corpus import UNLABELLED, records
from training.data import Example, Row, example_of

FILE: Final = Path(__file__).parent / "annotations.csv"


def read_annotations(path: Path = FILE) -> dict[str, dict[str, str | None]]:
    """The columns of every reading, by the id of its message."""
    with path.open(encoding="utf-8", newline="") as lines:
        return {
            row["id"]: {name: value or None for name, value in row.items()}
            for row in csv.DictReader(lines)
        }


def reread(examples: Sequence[Example],
           readings: dict[str, dict[str, str | None]]) -> list[Example]:  # fmt: skip
    """`examples` with what a second reading said of them.

    A message read twice stands once where the readings agree and with either label, both marked
    as contested, where they differ.
    """
    found: list[Example] = []
    for example in examples:
        reading = readings.get(example.id)
        if reading is None:
            found.append(example)
            continue
        again = example_of(Row.model_validate({"text": example.body.original, **reading}))
        assert again is not None, "the first reading had a text"
        second = replace(
            example, label=again.label, urgent=again.urgent, reasons=again.reasons, contested=True
        )
        if (second.label, second.urgent) == (example.label, example.urgent):
            found.append(example)
        else:
            found += [replace(example, contested=True), second]
    return found


def read_beyond(data: Path, readings: dict[str, dict[str, str | None]]) -> list[Example]:
    """The messages of the unlabelled file below `data` that were read."""
    file = data / UNLABELLED
    found: list[Example] = []
    for record in records(file) if file.is_file() else ():
        reading = readings.get(record.get("id") or "")
        if reading is not None:
            row = Row.model_validate({**record, **reading, "sampled": "annotated"})
            if (example := example_of(row)) is not None:
                found.append(example)
    return found
