"""Run the steps of a training in order, each once: a finished step is skipped after a restart."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from training.runtime import log
from triage.errors import InputFileError


class StepLog:
    """Wall times of finished steps, in `steps.json` of the working directory.

    Raises:
        InputFileError: the directory holds a run with other settings.
    """

    def __init__(self, directory: Path, settings: Mapping[str, object], *, restart: bool) -> None:
        if restart and directory.exists():
            shutil.rmtree(directory)
        directory.mkdir(parents=True, exist_ok=True)
        self._file = directory / "steps.json"
        wanted = json.loads(json.dumps(settings))
        state = {"settings": wanted, "seconds": {}}
        if self._file.is_file():
            state = json.loads(self._file.read_text(encoding="utf-8"))
            if state["settings"] != wanted:
                raise InputFileError(
                    f"{directory} holds a run with other settings; give another --work directory, "
                    "or --restart to delete it"
                )
        self._settings: Mapping[str, object] = wanted
        self.seconds: dict[str, float] = state["seconds"]
        self._write()

    def _write(self) -> None:
        state = {"settings": self._settings, "seconds": self.seconds}
        temporary = self._file.with_suffix(".tmp")
        temporary.write_text(json.dumps(state, indent=2, ensure_ascii=False), encoding="utf-8")
        temporary.replace(self._file)

    @contextmanager
    def step(self, name: str, *products: Path) -> Iterator[bool]:
        """Yield whether the step must run; afterwards note the time it took, over all tries."""
        if name in self.seconds and all(product.exists() for product in products):
            log.info("%s: done before", name)
            yield False
            return
        log.info("%s: started", name)
        began = time.monotonic()
        yield True
        self.seconds[name] = round(time.monotonic() - began, 1)
        self._write()
        log.info("%s: %.0f s", name, self.seconds[name])
