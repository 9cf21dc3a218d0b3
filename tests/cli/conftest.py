"""Run the command around a fake classifier, in this process or as one of its own."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.cli import loaders
from tests.fakes import FakeClassifier
from tests.serving.process import ROOT, until
from triage.cli import main
from triage.types import Message


@dataclass(frozen=True)
class Ran:
    code: int
    out: bytes
    err: str


Run = Callable[..., Ran]


@pytest.fixture
def run(capsysbinary: pytest.CaptureFixture[bytes]) -> Run:
    def call(*argv: str, load: str = "fake") -> Ran:
        with pytest.raises(SystemExit) as stopped:
            main(argv, load=getattr(loaders, load))
        out, err = capsysbinary.readouterr()
        return Ran(int(stopped.value.code or 0), out, err.decode())

    return call


def texts(count: int) -> list[str]:
    """Invented messages, every tenth of which is none."""
    return [
        " "
        if number % 10 == 7
        else f"第{number}户门口的工地整天扬尘{'，请管一管' * (number % 5)}。"
        for number in range(count)
    ]


def write_rows(path: Path, messages: list[str]) -> Path:
    with path.open("w", encoding="utf-8") as file:
        for number, text in enumerate(messages):
            print(json.dumps({"id": str(number), "text": text}, ensure_ascii=False), file=file)
    return path


def decisions(messages: list[str]) -> list[bytes | None]:
    """The lines that should come out; None for one with an error."""
    classify = FakeClassifier().classify
    return [
        classify(Message(id=str(number), text=text)).model_dump_json().encode()
        if text.strip()
        else None
        for number, text in enumerate(messages)
    ]


@contextlib.contextmanager
def started(loader: str, *argv: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """The command in a process group of its own, as a terminal would start it."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.cli.command", loader, *argv],
        cwd=ROOT,
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def wait_for(true: Callable[[], bool], process: subprocess.Popen[Any], seconds: float = 60) -> None:
    """Wait until something is true, as long as the process goes on."""

    def found() -> bool:
        so = true()
        assert so or process.poll() is None, process.communicate()
        return so

    until(found, seconds)
