"""A registry on disk: bundles and rulebooks that may decide, and a pointer to those that do.

    models/bundles/<version>/      a bundle, as it was when it was added
    models/rulebooks/<version>/    the files of a rulebook
    models/current.json            which of them decide, and which did before (`triage.pointer`)

Every entry is tested before it comes in and stands under the version that decisions name. The
embedded bundle and rulebook are always there.
"""

from __future__ import annotations

import contextlib
import fcntl
import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from triage.bundle import default_path, version_of
from triage.errors import RegistryError, RulebookError
from triage.host import flush
from triage.pipeline import Pipeline
from triage.pointer import FOLDERS, Choice, Kind, read_pointer, write_pointer
from triage.rules import DEFAULT_RULEBOOK, RuleEngine, check

_LOCK: Final = ".lock"
_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._@+-]{0,199}", re.ASCII)
# Steps back that are remembered.
_MOST_PREVIOUS: Final = 50


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

    def entries(self, kind: Kind) -> list[Entry]:
        """What there is of a kind: the embedded one first, the others by version.

        Raises:
            RegistryError: the pointer is damaged.
        """
        pointer = read_pointer(self.directory)
        chosen = getattr(pointer, kind).current or ""
        shadow = pointer.shadow if kind == "bundle" else None
        folder = self.directory / FOLDERS[kind]
        kept = sorted(p for p in folder.iterdir() if p.name[0] != ".") if folder.is_dir() else []
        # The embedded one has no name in the pointer.
        named = [("", _embedded(kind)), *((path.name, path) for path in kept)]
        return [
            Entry(name or _version(kind, path), path, not name, name == chosen, name == shadow)
            for name, path in named
        ]

    def add(self, kind: Kind, source: Path) -> str:
        """Copy a bundle or rulebook in, after it was loaded and tested; returns its version.

        What is there already is left as it is.

        Raises:
            BundleError, RulebookError: it cannot be used.
            RegistryError: its name is no name for a folder.
            OSError: it cannot be written; nothing is left behind then.
        """
        folder = self.directory / FOLDERS[kind]
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
                    flush(file)
                own = version == _version(kind, _embedded(kind))
                if not own and not (folder / version).exists():
                    copy.rename(folder / version)
                    flush(folder)
        return version

    def promote(self, kind: Kind, version: str) -> None:
        """Let the entry `version` decide from now on; the one before can be rolled back to.

        Raises:
            RegistryError: there is no such entry.
            BundleError, RulebookError: it was damaged after it came in.
            OSError: the pointer cannot be written; what decided before still does.
        """
        with self._locked():
            wanted = self._usable(kind, version) or None
            pointer = read_pointer(self.directory)
            choice: Choice = getattr(pointer, kind)
            if wanted != choice.current:
                previous = (*choice.previous, choice.current)[-_MOST_PREVIOUS:]
                chosen = Choice(current=wanted, previous=previous)
                write_pointer(self.directory, pointer.model_copy(update={kind: chosen}))

    def rollback(self, kind: Kind) -> str:
        """Let the one decide that did before; returns its version.

        Raises:
            RegistryError: there was none before, or it is no longer there.
            BundleError, RulebookError: it was damaged since.
            OSError: as for `promote`.
        """
        with self._locked():
            pointer = read_pointer(self.directory)
            choice: Choice = getattr(pointer, kind)
            if not choice.previous:
                raise RegistryError(
                    f"no {kind} was promoted before; there is nothing to go back to"
                )
            version = choice.previous[-1] or _version(kind, _embedded(kind))
            self._usable(kind, version)
            back = Choice(current=choice.previous[-1], previous=choice.previous[:-1])
            write_pointer(self.directory, pointer.model_copy(update={kind: back}))
            return version

    def shadow(self, version: str | None) -> None:
        """Run the bundle `version` beside the one that decides; None ends it.

        Raises:
            RegistryError: there is no such bundle.
            BundleError: it was damaged after it came in.
            OSError: as for `promote`.
        """
        with self._locked():
            name = None if version is None else self._usable("bundle", version)
            pointer = read_pointer(self.directory)
            write_pointer(self.directory, pointer.model_copy(update={"shadow": name}))

    def _usable(self, kind: Kind, version: str) -> str:
        """The name of an entry in the pointer ("": embedded), after a test of it."""
        found = {entry.version: entry for entry in self.entries(kind)}.get(version)
        if found is None:
            raise RegistryError(
                f"{self.directory} has no {kind} {version!r}; add it first, or see the list"
            )
        _tested(kind, found.path)
        return "" if found.embedded else version

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """One change at a time, over all processes."""
        self.directory.mkdir(parents=True, exist_ok=True)
        with (self.directory / _LOCK).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _embedded(kind: Kind) -> Path:
    return default_path() if kind == "bundle" else DEFAULT_RULEBOOK


def _version(kind: Kind, path: Path) -> str:
    return version_of(path) if kind == "bundle" else RuleEngine.load(path).version


def _copy(source: Path, target: Path) -> None:
    """The files of a directory, or one file: a rulebook may be either."""
    target.mkdir()
    for file in sorted(source.iterdir()) if source.is_dir() else [source]:
        if file.is_file():
            shutil.copy(file, target)


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
