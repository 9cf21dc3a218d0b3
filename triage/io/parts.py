"""A folder of output parts, one for each block of the input; a part appears whole or not at all.

`_triage.json` says what the parts belong to, `_triage.done.jsonl` which of them are there, so that
an interrupted run goes on with the others. Readers of such folders leave out names with `_`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal, Never

from pydantic import ValidationError

from triage.io.blocks import Block
from triage.io.unfinished import Options, Source, UnfinishedOutputError, Value, remove
from triage.types import Versions

_NOTE: Final = "_triage.json"
_LOG: Final = "_triage.done.jsonl"
_PART: Final = re.compile(r"\.?\d{6,}-.*")


class Belonging(Value):
    """What all parts of a folder have in common; `sources` by name."""

    format: Literal[1] = 1
    extension: str
    sources: dict[str, Source]
    options: Options
    versions: Versions


class PartDone(Value):
    """A part that is there: its number, its rows, those with an error."""

    part: int
    rows: int
    failed: int


def tries_of(part: Path) -> Path:
    """A file that grows by a byte whenever a process begins with `part`, until that is there."""
    return part.with_name(f".{part.name}.tries")


class Parts:
    """The parts in `folder` that belong to `belonging`; `done` are those of earlier runs.

    Raises:
        UnfinishedOutputError: the folder holds something else, and `restart` does not clear it.
        OSError: the folder cannot be written.
    """

    def __init__(self, folder: Path, belonging: Belonging, *, restart: bool = False) -> None:
        self._folder, self._extension = folder, belonging.extension
        folder.mkdir(exist_ok=True)
        if restart:
            self._clear()
        self.done: dict[int, PartDone] = {}
        note = folder / _NOTE
        if note.exists():
            self._check(note, belonging)
            self.done = self._logged()
        elif any(folder.iterdir()):
            raise UnfinishedOutputError(
                f"the folder {folder.name} holds other files; name one that is empty or not there"
            )
        else:
            note.write_text(belonging.model_dump_json(), encoding="utf-8")

    def _check(self, note: Path, belonging: Belonging) -> None:
        try:
            before = Belonging.model_validate_json(note.read_bytes())
        except ValidationError:
            self._refuse("of a run that this version cannot read")
        if before.sources != belonging.sources:
            self._refuse("of another input, or of this one before it was changed")
        if before.versions != belonging.versions:
            self._refuse("decided by another bundle or rulebook")
        if before != belonging:
            self._refuse("made with other options")

    def _refuse(self, why: str) -> Never:
        raise UnfinishedOutputError(
            f"the folder {self._folder.name} holds parts {why}. Go on with them as begun, "
            "name another folder, or begin anew: --restart"
        )

    def _logged(self) -> dict[int, PartDone]:
        done = {}
        log = self._folder / _LOG
        for line in log.read_bytes().splitlines() if log.exists() else ():
            try:
                entry = PartDone.model_validate_json(line)
            except ValidationError:
                continue  # the last line may be cut off
            done[entry.part] = entry
        return done

    def path(self, number: int, block: Block) -> Path:
        """Where part `number` lies: by name, parts are in the order of the input's rows."""
        return self._folder / f"{number:06}-{Path(block.file).stem}.{self._extension}"

    def missing(self, blocks: Sequence[Block]) -> list[int]:
        """The numbers of the parts that are still to be made."""
        return [
            number
            for number, block in enumerate(blocks)
            if number not in self.done or not self.path(number, block).exists()
        ]

    def add(self, done: PartDone) -> None:
        """Note that a part is there."""
        self.done[done.part] = done
        with (self._folder / _LOG).open("ab") as log:
            # A line that an interruption cut off must not spoil this one.
            log.write(b"\n" + done.model_dump_json().encode() + b"\n")
            log.flush()
            os.fsync(log.fileno())

    def tidy(self) -> None:
        """Remove what processes that ended have left behind, before a run and after it."""
        remove(*self._folder.glob(".*.part"), *self._folder.glob(".*.tries"))

    def _clear(self) -> None:
        remove(*(path for path in self._folder.iterdir() if _PART.fullmatch(path.name)))
        remove(self._folder / _NOTE, self._folder / _LOG)
