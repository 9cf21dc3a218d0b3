"""A registry on disk: bundles and rulebooks that may decide, and a pointer to those that do.

    models/bundles/<version>/      a bundle, as it was when it was added
    models/rulebooks/<version>/    a rulebook file or directory
    models/current.json            which of them decide, and which did before

Every entry is checked before it comes in and stands under the version that decisions name. The
pointer is replaced in one step (write, flush, rename), so that a reader finds the old one or the
new one, and a full disk leaves the old one. The embedded bundle and rulebook are always there: the
pointer says `null` for them.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from triage.bundle import default_path, version_of
from triage.errors import RegistryError, RulebookError
from triage.pipeline import Pipeline
from triage.rules import DEFAULT_RULEBOOK, RuleEngine, check

Kind = Literal["bundle", "rulebook"]

POINTER: Final = "current.json"
_LOCK: Final = ".lock"
_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._@+-]{0,199}", re.ASCII)
_FOLDERS: Final[dict[Kind, str]] = {"bundle": "bundles", "rulebook": "rulebooks"}
# Steps back that are remembered.
_MOST_PREVIOUS: Final = 50


class Choice(BaseModel):
    """What decides of one kind, and what did before, the latest last; None is the embedded one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    current: str | None = None
    previous: tuple[str | None, ...] = ()


class Pointer(BaseModel):
    """`current.json`. `shadow` is a bundle that runs beside the one that decides."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    bundle: Choice = Choice()
    rulebook: Choice = Choice()
    shadow: str | None = None


@dataclass(frozen=True, slots=True)
class Selection:
    """Paths of what decides, None for the embedded ones, and of the shadow, None without one."""

    bundle: Path | None = None
    rulebook: Path | None = None
    shadow: Path | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One bundle or rulebook of the registry."""

    version: str
    path: Path
    embedded: bool
    current: bool
    shadow: bool


class Registry:
    """The registry in a directory, which need not exist before something is added."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def pointer(self) -> Pointer:
        """What is chosen; the embedded ones where nothing was.

        Raises:
            RegistryError: the pointer is damaged.
        """
        file = self.directory / POINTER
        try:
            return Pointer.model_validate_json(file.read_bytes())
        except FileNotFoundError:
            return Pointer()
        except ValidationError:
            raise RegistryError(
                f"{file} is damaged; promote a bundle and a rulebook again after deleting it"
            ) from None

    def selection(self) -> Selection:
        """Where what decides lies.

        Raises:
            RegistryError: the pointer is damaged.
        """
        pointer = self.pointer()
        shadow = pointer.shadow
        return Selection(
            self._path("bundle", pointer.bundle.current),
            self._path("rulebook", pointer.rulebook.current),
            None if shadow is None else self._path("bundle", shadow) or default_path(),
        )

    def entries(self, kind: Kind) -> list[Entry]:
        """What there is of a kind: the embedded one first, the others by version."""
        pointer = self.pointer()
        chosen, shadow = getattr(pointer, kind).current, pointer.shadow
        embedded = _embedded(kind)
        folder = self.directory / _FOLDERS[kind]
        kept = sorted(p for p in folder.iterdir() if p.name[0] != ".") if folder.is_dir() else []
        shown = [(embedded, default_path() if kind == "bundle" else DEFAULT_RULEBOOK, True)]
        shown += [(path.name, path, False) for path in kept]
        return [
            Entry(version, path, own, chosen == (None if own else version),
                  kind == "bundle" and shadow == version)
            for version, path, own in shown
        ]  # fmt: skip

    def add(self, kind: Kind, source: Path) -> str:
        """Copy a bundle or rulebook in, after it was loaded and tested; returns its version.

        What is there already is left as it is.

        Raises:
            BundleError, RulebookError: it cannot be used.
            RegistryError: its name is no name for a folder.
            OSError: it cannot be written; nothing is left behind then.
        """
        folder = self.directory / _FOLDERS[kind]
        with self._locked():
            folder.mkdir(exist_ok=True)
            with tempfile.TemporaryDirectory(prefix=".new-", dir=folder) as between:
                # The copy is what is tested: the source may change meanwhile.
                copy = Path(between) / "entry"
                _copy(source, copy)
                version = _tested(kind, copy)
                if not _NAME.fullmatch(version):
                    raise RegistryError(
                        f"{version!r} is no name for a folder; use Latin letters, digits, . _ -"
                    )
                for file in (*copy.rglob("*"), copy):
                    _flush(file)
                if version != _embedded(kind) and not (folder / version).exists():
                    copy.rename(folder / version)
                    _flush(folder)
        return version

    def promote(self, kind: Kind, version: str) -> None:
        """Let the entry `version` decide from now on; the one before can be rolled back to.

        Raises:
            RegistryError: there is no such entry.
            BundleError, RulebookError: it was damaged after it came in.
        """
        with self._locked():
            wanted = self._known(kind, version)
            pointer = self.pointer()
            choice: Choice = getattr(pointer, kind)
            if wanted == choice.current:
                return
            previous = (*choice.previous, choice.current)[-_MOST_PREVIOUS:]
            self._write(
                pointer.model_copy(update={kind: Choice(current=wanted, previous=previous)})
            )

    def rollback(self, kind: Kind) -> str:
        """Let the one decide that did before; returns its version.

        Raises:
            RegistryError: there was none before, or it is no longer there.
        """
        with self._locked():
            pointer = self.pointer()
            choice: Choice = getattr(pointer, kind)
            if not choice.previous:
                raise RegistryError(
                    f"no {kind} was promoted before this one; nothing to go back to"
                )
            version = choice.previous[-1]
            self._known(kind, version or _embedded(kind))
            back = Choice(current=version, previous=choice.previous[:-1])
            self._write(pointer.model_copy(update={kind: back}))
            return version or _embedded(kind)

    def shadow(self, version: str | None) -> None:
        """Run the bundle `version` beside the one that decides; None ends it.

        Raises:
            RegistryError: there is no such bundle.
        """
        with self._locked():
            if version is not None and version != _embedded("bundle"):
                version = self._known("bundle", version)
            self._write(self.pointer().model_copy(update={"shadow": version}))

    def _path(self, kind: Kind, version: str | None) -> Path | None:
        if version is None or version == _embedded(kind):
            return None
        return self.directory / _FOLDERS[kind] / version

    def _known(self, kind: Kind, version: str) -> str | None:
        """`version` as the pointer has it, after a test of what it names."""
        if version not in {entry.version for entry in self.entries(kind)}:
            raise RegistryError(
                f"{self.directory} has no {kind} {version!r}; add it first, or see the list"
            )
        path = self._path(kind, version)
        if path is not None:
            _tested(kind, path)
        return None if path is None else version

    def _write(self, pointer: Pointer) -> None:
        file = self.directory / POINTER
        fresh = file.with_name(f".{POINTER}.new")
        try:
            with fresh.open("w", encoding="utf-8") as out:
                out.write(pointer.model_dump_json(indent=2) + "\n")
                out.flush()
                os.fsync(out.fileno())
            fresh.replace(file)
        finally:
            fresh.unlink(missing_ok=True)
        _flush(self.directory)

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """One change at a time, over all processes."""
        import fcntl  # not on Windows, where nothing is promoted

        self.directory.mkdir(parents=True, exist_ok=True)
        with (self.directory / _LOCK).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _embedded(kind: Kind) -> str:
    return version_of(default_path()) if kind == "bundle" else RuleEngine.default().version


def _copy(source: Path, target: Path) -> None:
    """A directory as it is; a file into a directory of its own, which a rulebook may also be."""
    if source.is_dir():
        shutil.copytree(source, target)
    else:
        target.mkdir()
        shutil.copy(source, target)


def _tested(kind: Kind, path: Path) -> str:
    """The version of what lies at `path`, after it was loaded and asked.

    Raises:
        BundleError, RulebookError: it cannot be used.
    """
    if kind == "bundle":
        pipeline = Pipeline.load(path)
        pipeline.warm_up()
        return pipeline.versions.model
    report = check(path)
    faults = [str(finding) for finding in report.findings if finding.severity == "error"]
    if faults:
        raise RulebookError("；".join(faults))
    return report.version


def _flush(path: Path) -> None:
    """Make sure that a file, or the names in a directory, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
