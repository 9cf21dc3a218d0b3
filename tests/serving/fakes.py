"""Factories that workers are given by name (`tests.serving.fakes:plain`), and what they make."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from tests.fakes import FakeClassifier
from triage.types import Decision, Message


def plain(_bundle: str | None, _rulebook: str | None) -> FakeClassifier:
    return FakeClassifier()


class _SlowStart(FakeClassifier):
    def warm_up(self) -> None:
        time.sleep(0.5)


def slow_start(_bundle: str | None, _rulebook: str | None) -> FakeClassifier:
    return _SlowStart()


class _BrokenWarmUp(FakeClassifier):
    def warm_up(self) -> None:
        raise RuntimeError("秘密内容")


def broken(_bundle: str | None, _rulebook: str | None) -> FakeClassifier:
    return _BrokenWarmUp()


class Obedient(FakeClassifier):
    """Does what the channel of a message says; writes process and id of all it begins to a file."""

    def __init__(self, journal: str | None) -> None:
        self._journal = journal

    def classify(self, message: Message, *, explain: bool = False) -> Decision:
        if self._journal:
            with Path(self._journal).open("a", encoding="utf-8") as file:
                file.write(f"{os.getpid()} {message.id}\n")
        verb, _, number = (message.channel or "").partition(" ")
        if verb == "sleep":
            time.sleep(float(number))
        elif verb == "exit":
            os._exit(1)
        elif verb == "stop":
            os.kill(os.getpid(), signal.SIGSTOP)
        return super().classify(message, explain=explain)


def obedient(journal: str | None, _rulebook: str | None) -> FakeClassifier:
    """The file takes the place of the bundle, so that the service's settings name it."""
    return Obedient(journal)


def versioned(file: str | None, _rulebook: str | None) -> FakeClassifier:
    """The file, in the bundle's place, holds the version."""
    classifier = FakeClassifier()
    model = Path(str(file)).read_text(encoding="utf-8")
    classifier.versions = classifier.versions.model_copy(update={"model": model})
    return classifier
