"""Results of finished parts of a long measurement, so that an interrupted one goes on."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from training.runtime import log

Part = TypeVar("Part", bound=BaseModel)


class Kept:
    """One JSON file a part, in a directory named after the settings.

    With other settings or data the directory is another one: old results never pass for new ones.
    """

    def __init__(self, directory: Path, settings: Mapping[str, object]) -> None:
        text = json.dumps(settings, sort_keys=True, ensure_ascii=False)
        self.directory = directory / hashlib.sha256(text.encode()).hexdigest()[:16]
        self.directory.mkdir(parents=True, exist_ok=True)
        (self.directory / "settings.json").write_text(text + "\n", encoding="utf-8")

    def find(self, name: str, kind: type[Part]) -> Part | None:
        """The result of an earlier run, or None; a damaged one counts as none."""
        try:
            return kind.model_validate_json((self.directory / f"{name}.json").read_bytes())
        except (OSError, ValidationError):
            return None

    def part(self, name: str, kind: type[Part], make: Callable[[Path], Part]) -> Part:
        """The result kept from an earlier run, or that of `make`.

        `make` is given a working directory, which outlives an interruption and goes when the
        result is there.
        """
        found = self.find(name, kind)
        if found is not None:
            log.info("%s: done before", name)
            return found
        work = self.directory / name
        work.mkdir(exist_ok=True)
        made = make(work)
        temporary = self.directory / f"{name}.tmp"
        temporary.write_text(made.model_dump_json(), encoding="utf-8")
        temporary.replace(self.directory / f"{name}.json")
        shutil.rmtree(work)
        return made
