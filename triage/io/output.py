"""An output file while it is written: it takes its name when all rows are there.

Until then they are in `.NAME.part`, and `.NAME.part.json` says how many and what they belong to.
An interrupted run loses the last second at most, and the next one goes on from there.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, Self

from triage.errors import InputFileError
from triage.io.encoders import encoder_for, head_of
from triage.io.formats import Format, known_format
from triage.io.rows import Outcome, TableWriter
from triage.io.unfinished import (
    Done,
    Options,
    Source,
    Unfinished,
    UnfinishedOutputError,
    remove,
)
from triage.types import Versions

if sys.platform != "win32":
    import fcntl

_NOTE_SECONDS: Final = 1.0


class Output:
    """The output file `path`, as a context manager.

    With a `source`, rows that an earlier run of the same source and options has written are kept
    (`done`), unless `restart` gives them up. Without one, nothing is kept of an interrupted run.
    After an error, `kept` says how many rows the next run need not do again.

    Raises:
        InputFileError: the extension names no known format.
        UnfinishedOutputError: an unfinished output there belongs to something else, or another
            run is writing it.
        OSError: the file cannot be written.
    """

    def __init__(
        self, path: Path, options: Options, source: Source | None, *, restart: bool = False
    ) -> None:
        self._path, self._options, self._source = path, options, source
        known_format(path)
        own = "" if source else f".{os.getpid()}"
        self._part = path.with_name(f".{path.name}{own}.part")
        self._note = self._part.with_name(f"{self._part.name}.json")
        self._versions: Versions | None = None
        self._file = _opened(self._part, path)
        try:
            self._before = self._unfinished(source, restart=restart) if source else None
        except BaseException:
            self._file.close()
            raise
        self.done = self._noted = self._before.done if self._before else Done()
        self.kept = 0
        self._next_note = time.monotonic() + _NOTE_SECONDS

    def _unfinished(self, source: Source, *, restart: bool) -> Unfinished | None:
        if restart:
            remove(self._note)
            return None
        before = Unfinished.read(self._note, self._path)
        if before is None or before.done.bytes > self._part.stat().st_size:
            remove(self._note)
            return None
        before.check_source(source, self._options, self._path)
        return before

    def begin(self, versions: Versions) -> None:
        """Be ready for rows decided by `versions`; called once, before `write`.

        Raises:
            UnfinishedOutputError: the rows that are there were decided by other versions.
        """
        if self._before:
            self._before.check_versions(versions, self._path)
        self._versions = versions
        self._file.truncate(self.done.bytes)
        self._file.seek(self.done.bytes)
        if not self._before:
            head = head_of(self._path, with_text=self._options.with_text)
            self._file.write(head)
            self.done = Done(bytes=len(head))

    def write(self, encoded: bytes, rows: int, failed: int) -> None:
        """Add `rows` encoded rows, of which `failed` have an error."""
        self._file.write(encoded)
        done = self.done
        # One assignment: an interruption finds the numbers before or after, and they agree.
        self.done = Done(
            rows=done.rows + rows, failed=done.failed + failed, bytes=done.bytes + len(encoded)
        )
        if self._source and time.monotonic() >= self._next_note:
            self._take_note()

    def _take_note(self) -> None:
        assert self._source
        assert self._versions
        done = self.done
        self._file.flush()
        os.fsync(self._file.fileno())
        Unfinished(
            source=self._source, options=self._options, versions=self._versions, done=done
        ).write(self._note)
        self._noted = done
        self._next_note = time.monotonic() + _NOTE_SECONDS

    def finish(self) -> None:
        """Give the file its name; a workbook or Parquet file is built first."""
        self._file.flush()
        os.fsync(self._file.fileno())
        built = self._part
        if known_format(self._path) in (Format.XLSX, Format.PARQUET):
            if self._source:
                self._take_note()  # if building is interrupted, only that is done again
            built = self._part.with_name(f"{self._part.name}.new")
            self._build(built)
        if sys.platform == "win32":
            self._file.close()  # elsewhere the lock is held to the end
        built.replace(self._path)
        remove(self._note, self._part)

    def _build(self, target: Path) -> None:
        try:
            with contextlib.closing(_table(self._path, target, self._options)) as table:
                with self._part.open("rb") as rows:
                    for row in rows:
                        table.write(json.loads(row))
                table.save()
            with target.open("rb") as built:
                os.fsync(built.fileno())
        except BaseException:
            remove(target)
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Keep what is there of a run that was interrupted, but not of a damaged input."""
        try:
            if kind is None or issubclass(kind, UnfinishedOutputError):
                return
            if self._source and self.done.rows and not issubclass(kind, InputFileError):
                if self._versions:
                    self._take_note()
                self.kept = self._noted.rows
            else:
                remove(self._part, self._note)
        except OSError:
            self.kept = self._noted.rows  # the disk may be full: what was noted before holds
        finally:
            with contextlib.suppress(OSError):
                self._file.close()


def _opened(part: Path, path: Path) -> BinaryIO:
    """The partial file, locked: two runs must not write it at once."""
    while True:
        file = os.fdopen(os.open(part, os.O_RDWR | os.O_CREAT, 0o666), "r+b")
        _lock(file, path)
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(file.fileno()), part.stat()):
                return file
        file.close()  # another run has finished in between


def _lock(file: BinaryIO, path: Path) -> None:
    if sys.platform == "win32":
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise UnfinishedOutputError(
            f"another run is writing {path.name}; wait for it, or name another output"
        ) from None
    except OSError:
        pass  # a file system without locks


def _table(path: Path, target: Path, options: Options) -> TableWriter:
    if known_format(path) is Format.XLSX:
        from triage.io.xlsx import XlsxWriter

        return XlsxWriter(target, with_text=options.with_text)
    from triage.io.parquet import ParquetWriter

    return ParquetWriter(target, with_text=options.with_text)


def write_output(
    path: Path, outcomes: Iterable[Outcome], versions: Versions, *, with_text: bool = False
) -> None:
    """Write a whole output file at once.

    Raises:
        InputFileError: the extension names no known format.
        OSError: the file cannot be written.
    """
    with Output(path, Options(with_text=with_text), None) as output:
        output.begin(versions)
        encode = encoder_for(path, with_text=with_text)
        for outcome in outcomes:
            output.write(encode([outcome]), 1, 0)
        output.finish()
