"""What an unfinished output belongs to: it is gone on with only if all of that is the same."""

from __future__ import annotations

import contextlib
import hashlib
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from triage.errors import TriageError
from triage.host import replace_text
from triage.types import Versions


class UnfinishedOutputError(TriageError):
    """There is an unfinished output that this run must not go on with."""

    code = "unfinished_output"


class Value(BaseModel):
    """What is written beside an output, exactly as it was."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Source(Value):
    """An input file, by its content."""

    bytes: int
    sha256: str

    @classmethod
    def of(cls, path: Path) -> Source:
        """The file at `path`, which is read once."""
        with path.open("rb") as file:
            return cls(
                bytes=path.stat().st_size, sha256=hashlib.file_digest(file, "sha256").hexdigest()
            )


class Options(Value):
    """The options on which the output's bytes depend."""

    explain: bool = False
    with_text: bool = False


class Done(Value):
    """How far an output is: its rows, those with an error, and their bytes in the partial file."""

    rows: int = 0
    failed: int = 0
    bytes: int = 0


class Unfinished(Value):
    """The note beside a partial output."""

    format: Literal[1] = 1
    source: Source
    options: Options
    versions: Versions
    done: Done

    @classmethod
    def read(cls, note: Path, output: Path) -> Unfinished | None:
        """The note, or None where there is none.

        Raises:
            UnfinishedOutputError: it is none of this version's notes.
        """
        try:
            return cls.model_validate_json(note.read_bytes())
        except FileNotFoundError:
            return None
        except ValidationError:
            raise UnfinishedOutputError(
                f"{note} cannot be read, so the unfinished {output.name} cannot be gone on with. "
                "Begin anew: --restart"
            ) from None

    def write(self, note: Path) -> None:
        """Replace the note, so that it is whole whenever the machine stops."""
        replace_text(note, self.model_dump_json())

    def check_source(self, source: Source, options: Options, output: Path) -> None:
        """Raises `UnfinishedOutputError` where the input or an option is another."""
        if self.source != source:
            self._refuse(output, "of another input, or of this one before it was changed")
        for name, value in options:
            before = getattr(self.options, name)
            if before != value:
                option = f"--{name.replace('_', '-')}"
                self._refuse(output, f"made {'with' if before else 'without'} {option}")

    def check_versions(self, versions: Versions, output: Path) -> None:
        """Raises `UnfinishedOutputError` where something else decides now."""
        for name, before in self.versions:
            now = getattr(versions, name)
            if before != now:
                self._refuse(output, f"decided by {name} {before}, and now it is {now}")

    def _refuse(self, output: Path, why: str) -> None:
        raise UnfinishedOutputError(
            f"there is an unfinished {output.name} with {self.done.rows:,} rows, {why}. Go on with "
            "it as it was begun, name another output, or begin anew: --restart"
        )


def remove(*paths: Path) -> None:
    """Remove the files that are there."""
    for path in paths:
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
