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
            if any(directory.iterdir()) and not (directory / "steps.json").is_file():
                raise InputFileError(f"{directory} holds no training; it will not be deleted")
            shutil.rmtree(directory)
        directory.mkdir(parents=True, exist_ok=True)
        self._file = directory / "steps.json"
        self._settings = json.loads(json.dumps(settings))
        self.seconds: dict[str, float] = {}
        self._done: set[str] = set()
        if self._file.is_file():
            state = json.loads(self._file.read_text(encoding="utf-8"))
            if state["settings"] != self._settings:
                raise InputFileError(
                    f"{directory} holds a run with other settings or other data; give another "
                    f"--work directory, or --restart to delete it (to keep its pre-trained "
                    f"encoder, copy {directory / 'encoder'} and give the copy as --base)"
                )
            self.seconds, self._done = state["seconds"], set(state["done"])
        self._write()

    def _write(self) -> None:
        state = {"settings": self._settings, "seconds": self.seconds, "done": sorted(self._done)}
        temporary = self._file.with_suffix(".tmp")
        temporary.write_text(json.dumps(state, indent=2, ensure_ascii=False), encoding="utf-8")
        temporary.replace(self._file)

    @contextmanager
    def step(self, name: str, *products: Path) -> Iterator[bool]:
        """Yield whether the step must run; note the time it takes, over all tries.

        A step is skipped when it was done before and its `products` are there; one without
        products always runs.
        """
        if products and name in self._done and all(product.exists() for product in products):
            log.info("%s: done before", name)
            yield False
            return
        if name in self._done:
            self.seconds[name] = 0.0
        log.info("%s: started", name)
        began = time.monotonic()
        try:
            yield True
            self._done.add(name)
        finally:
            spent = time.monotonic() - began
            self.seconds[name] = round(self.seconds.get(name, 0.0) + spent, 1)
            self._write()
        log.info("%s: %.0f s", name, self.seconds[name])
