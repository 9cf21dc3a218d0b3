"""What other processes load in place of a pipeline: fakes with a fault each."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from tests.fakes import VERSIONS, FakeClassifier
from triage.errors import BundleError
from triage.types import Decision, Message

# A file that the first process to fail makes, so that the next ones do not.
MARK = "TRIAGE_TEST_MARK"


class Slow(FakeClassifier):
    """Takes its time with every message, and lets wait for ever for one with 停."""

    def classify(self, message: Message, *, explain: bool = False) -> Decision:
        time.sleep(0.004)
        if "停" in message.text and _first():
            time.sleep(3_600)
        return super().classify(message, explain=explain)


class Deadly(FakeClassifier):
    """Ends its process at a message with 死, the first time at one with 伤."""

    def classify(self, message: Message, *, explain: bool = False) -> Decision:
        if "死" in message.text or ("伤" in message.text and _first()):
            os.kill(os.getpid(), signal.SIGKILL)
        return super().classify(message, explain=explain)


class Other(FakeClassifier):
    """Is another version."""

    versions = VERSIONS.model_copy(update={"model": "fake@2+11111111"})


class Fickle(FakeClassifier):
    """Is another version every time it is loaded."""

    def __init__(self) -> None:
        super().__init__()
        self.versions = VERSIONS.model_copy(update={"model": f"fake@{os.getpid()}"})


def _first() -> bool:
    try:
        os.close(os.open(os.environ[MARK], os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return False
    return True


def fake(_bundle: Path | None, _rulebook: Path | None) -> FakeClassifier:
    return FakeClassifier()


def slow(_bundle: Path | None, _rulebook: Path | None) -> FakeClassifier:
    return Slow()


def deadly(_bundle: Path | None, _rulebook: Path | None) -> FakeClassifier:
    return Deadly()


def other(_bundle: Path | None, _rulebook: Path | None) -> FakeClassifier:
    return Other()


def fickle(_bundle: Path | None, _rulebook: Path | None) -> FakeClassifier:
    return Fickle()


def broken(_bundle: Path | None, _rulebook: Path | None) -> FakeClassifier:
    raise BundleError("a file was altered")


def crashing(_bundle: Path | None, _rulebook: Path | None) -> FakeClassifier:
    os._exit(7)
