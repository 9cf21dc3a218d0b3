"""Run the command in this process, around the fake classifier."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.fakes import FakeClassifier
from triage.cli import main


@dataclass(frozen=True)
class Ran:
    code: int
    out: bytes
    err: str


Run = Callable[..., Ran]


@pytest.fixture
def run(capsysbinary: pytest.CaptureFixture[bytes]) -> Run:
    def call(*argv: str) -> Ran:
        with pytest.raises(SystemExit) as stopped:
            main(argv, load=lambda _bundle, _rulebook: FakeClassifier().classify)
        out, err = capsysbinary.readouterr()
        return Ran(int(stopped.value.code or 0), out, err.decode())

    return call
