"""Exports as bytes: JSON lines, which training reads, Parquet of the same, or Label Studio's tasks.

An export is in the audit chain twice: when it begins, with what was asked for, and when it ends,
with how many messages went out, also where who asked went away before the end.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from enum import StrEnum
from typing import Any, Final

from serving.masking import mask, mask_name
from serving.store import exports, labelstudio
from serving.store.actors import Actor
from serving.store.exports import Exported, Wanted
from serving.store.opening import Store

Shown = Callable[[str], str]


class ExportFormat(StrEnum):
    """What an export is written as."""

    JSONL = "jsonl"
    PARQUET = "parquet"
    LABEL_STUDIO = "label-studio"


MEDIA_TYPES: Final = {
    ExportFormat.JSONL: "application/x-ndjson",
    ExportFormat.PARQUET: "application/vnd.apache.parquet",
    ExportFormat.LABEL_STUDIO: "application/json",
}
SUFFIXES: Final = {
    ExportFormat.JSONL: ".jsonl",
    ExportFormat.PARQUET: ".parquet",
    ExportFormat.LABEL_STUDIO: ".json",
}


class Export:
    """One export, as an iterator over its bytes; close it where it is not read to the end."""

    def __init__(
        self, store: Store, actor: Actor, wanted: Wanted, form: ExportFormat, *, masked: bool
    ) -> None:
        """The export is in the audit chain when this returns.

        Raises:
            StoreError: the database cannot be used now.
        """
        self.count = 0
        self._store, self._actor, self._wanted, self._form = store, actor, wanted, form
        self._masked = masked
        self._told = wanted.told() | {"format": form.value, "masked": masked}
        self._note("export", self._told)
        self._ended = False
        self._chunks = _ENCODERS[form](self._pages(), mask if masked else str)

    def __iter__(self) -> Iterator[bytes]:
        """Bytes in pieces of some thousand messages.

        Raises:
            StoreError: the database cannot be used any more.
        """
        whole = False
        try:
            yield from self._chunks
            whole = True
        finally:
            self._end(whole=whole)

    def close(self) -> None:
        """Note the end where nobody has read that far."""
        self._end(whole=False)

    def _pages(self) -> Iterator[list[Exported]]:
        for page in exports.pages(self._store.database, self._actor, self._wanted):
            self.count += len(page)
            yield [_nameless(row) for row in page] if self._masked else page

    def _end(self, *, whole: bool) -> None:
        if not self._ended:
            self._ended = True
            self._note("export_end", {"messages": self.count, "whole": whole})

    def _note(self, action: str, detail: dict[str, Any]) -> None:
        with self._store.database.write() as connection:
            self._store.audit.append(connection, self._actor.name, action, "", **detail)


def _nameless(row: Exported) -> Exported:
    return replace(row, reference=row.reference and mask_name(row.reference))


def training_row(row: Exported, shown: Shown) -> dict[str, Any]:
    """A labelled message as training reads it; what training does not know, it ignores.

    `second` is what an annotator thinks possible too, and reviewers are not asked for it: what the
    machine thought stands apart. `natural` messages are a random draw, those in `review` were put
    before a person because they were urgent or unsure.
    """
    label, made = row.label, row.machine
    assert label is not None
    return {
        "id": str(row.message_id),
        "title": shown(row.title) if row.title else None,
        "text": shown(row.text),
        "department": label.department,
        "second": None,
        "urgent": label.urgent,
        "reasons": [reason.value for reason in label.reasons],
        "sure": 3,
        "sampled": "natural" if row.natural else "review",
        "reference": row.reference,
        "channel": row.channel,
        "received_at": row.received_at.isoformat(),
        "reviewer": row.reviewer,
        "reviewed_at": row.reviewed_at and row.reviewed_at.isoformat(),
        "version": row.version,
        "kind": row.kind,
        "machine_department": made.label.department,
        "machine_second": made.second,
        "machine_confidence": made.confidence,
        "machine_urgent": made.label.urgent,
        "machine_urgency_score": made.urgency_score,
        "machine_nothing": made.asked,
        "model": made.model,
        "rulebook": made.rulebook,
        "normaliser": made.normaliser,
    }


def _jsonl(pages: Iterator[list[Exported]], shown: Shown) -> Iterator[bytes]:
    for page in pages:
        lines = [json.dumps(training_row(row, shown), ensure_ascii=False) for row in page]
        yield "".join(f"{line}\n" for line in lines).encode()


def _label_studio(pages: Iterator[list[Exported]], shown: Shown) -> Iterator[bytes]:
    before = "["
    for page in pages:
        tasks = [json.dumps(labelstudio.task(row, shown), ensure_ascii=False) for row in page]
        yield (before + ",\n".join(tasks)).encode()
        before = ",\n"
    yield b"[]\n" if before == "[" else b"]\n"


class _Pipe(io.RawIOBase):
    """Takes what is written until it is taken away."""

    def __init__(self) -> None:
        super().__init__()
        self._held = bytearray()
        self._told = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._held += data
        self._told += len(data)
        return len(data)

    def tell(self) -> int:
        return self._told

    def take(self) -> bytes:
        held = bytes(self._held)
        self._held.clear()
        return held


def _parquet(pages: Iterator[list[Exported]], shown: Shown) -> Iterator[bytes]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    text, flag, number = pa.string(), pa.bool_(), pa.float64()
    kinds = {"reasons": pa.list_(text), "sure": pa.int8(), "version": pa.int32(), "urgent": flag,
             "machine_urgent": flag, "machine_nothing": flag, "machine_confidence": number,
             "machine_urgency_score": number}  # fmt: skip
    schema = pa.schema([(name, kinds.get(name, text)) for name in COLUMNS])
    pipe = _Pipe()
    with pq.ParquetWriter(pipe, schema, compression="zstd") as writer:
        for page in pages:
            rows = [training_row(row, shown) for row in page]
            writer.write_table(pa.Table.from_pylist(rows, schema=schema))
            yield pipe.take()
    yield pipe.take()


_ENCODERS: Final = {
    ExportFormat.JSONL: _jsonl,
    ExportFormat.PARQUET: _parquet,
    ExportFormat.LABEL_STUDIO: _label_studio,
}
COLUMNS: Final = (
    "id", "title", "text", "department", "second", "urgent", "reasons", "sure", "sampled",
    "reference", "channel", "received_at", "reviewer", "reviewed_at", "version", "kind",
    "machine_department", "machine_second", "machine_confidence", "machine_urgent",
    "machine_urgency_score", "machine_nothing", "model", "rulebook", "normaliser",
)  # fmt: skip
"""The columns of `training_row`, in order."""
