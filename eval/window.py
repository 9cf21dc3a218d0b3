"""Messages of a given length in tokens, chosen from labelled ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tokenizers import Tokenizer

from eval.data import Labelled
from triage.bundle import TOKENIZER, read_manifest
from triage.models.window import Windower
from triage.normalise import normalise

COUNT: Final = 40


@dataclass(frozen=True, slots=True)
class Sample:
    """Messages and the lengths of their windows, in tokens, in the same order."""

    records: list[Labelled]
    tokens: list[int]


def nearest(
    records: Sequence[Labelled], bundle: Path, tokens: int, *, count: int = COUNT
) -> Sample:
    """The `count` messages whose windows come nearest to `tokens`, nearest first.

    Titles and the marks between the fields count; a message that is cut counts as the window.

    Raises:
        BundleError: the bundle has no manifest that can be read.
    """
    tokenizer = Tokenizer.from_str((bundle / TOKENIZER).read_text(encoding="utf-8"))
    windower = Windower(tokenizer, read_manifest(bundle).max_length)

    def length(record: Labelled) -> int:
        title = normalise(record.title).text if record.title else None
        return len(windower(title, normalise(record.text).text).ids)

    lengths = {record.id: length(record) for record in records}
    ordered = sorted(records, key=lambda record: (abs(lengths[record.id] - tokens), record.id))
    chosen = ordered[:count]
    return Sample(chosen, [lengths[record.id] for record in chosen])
