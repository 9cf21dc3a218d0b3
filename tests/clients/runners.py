"""Runs the client examples as the programs that they are, each the same way."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import httpx2
import pytest

from tests.serving.process import PATIENCE, ROOT, until

FOLDER = ROOT / "docs" / "clients"


@dataclass(frozen=True)
class Run:
    """Where a client runs: its spool, the service's address and key, the time for one message."""

    spool: Path
    url: str
    timeout_ms: int = 10_000
    api_key: str = ""

    @property
    def environment(self) -> dict[str, str]:
        # No proxy of the machine may stand between.
        kept = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
        return kept | {
            "TRIAGE_URL": self.url,
            "TRIAGE_API_KEY": self.api_key,
            "TRIAGE_SPOOL": str(self.spool),
            "TRIAGE_TIMEOUT_MS": str(self.timeout_ms),
        }

    def wait(self, texts: Iterable[str]) -> list[str]:
        """Put messages where they wait; returns their files."""
        folder = self.spool / "waiting"
        folder.mkdir(parents=True)
        files = []
        for number, text in enumerate(texts):
            file = folder / f"m {number}.json"
            file.write_text(json.dumps({"id": f"m-{number}", "text": text}), encoding="utf-8")
            files.append(str(file))
        return files


def settled(spool: Path) -> dict[str, tuple[str, dict[str, object] | None]]:
    """For each text the folder where its message lies, and the decision beside it."""
    found = {}
    for file in spool.rglob("*.json"):
        if file.name.endswith(".decision.json"):
            continue
        beside = file.with_name(file.name.replace(".json", ".decision.json"))
        decision = json.loads(beside.read_text(encoding="utf-8")) if beside.exists() else None
        text = json.loads(file.read_text(encoding="utf-8"))["text"]
        assert text not in found, "a message lies in two places"
        found[text] = (str(file.parent.relative_to(spool)), decision)
    return found


_COMMANDS = {
    "curl": ("bash", str(FOLDER / "classify.sh")),
    "python": (sys.executable, str(FOLDER / "triage_client.py")),
    "java": ("java", str(FOLDER / "TriageClient.java")),
}


def _command(run: Run, name: str, files: list[str]) -> str:
    done = subprocess.run(
        [*_COMMANDS[name], *files],
        env=run.environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def curl(run: Run, texts: list[str]) -> str:
    return _command(run, "curl", run.wait(texts))


def python(run: Run, texts: list[str]) -> str:
    return _command(run, "python", run.wait(texts))


def java(run: Run, texts: list[str]) -> str:
    return _command(run, "java", run.wait(texts))


@dataclass(frozen=True)
class BackEnd:
    """The mini-program's back end, and where what it logs goes."""

    process: subprocess.Popen[bytes]
    log: int

    def written(self) -> str:
        assert self.process.poll() is None, "it ended"
        return os.pread(self.log, 1 << 20, 0).decode()


@contextlib.contextmanager
def _back_end(run: Run) -> Iterator[tuple[BackEnd, str]]:
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            ["node", str(FOLDER / "intake.mjs")],
            env=run.environment | {"PORT": "0"},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        started = BackEnd(process, log.fileno())
        try:
            until(lambda: "listening on" in started.written())
            yield started, next(w for w in started.written().split() if w.startswith("http://"))
        finally:
            process.kill()
            process.wait()


@contextlib.contextmanager
def back_end(run: Run) -> Iterator[str]:
    """The address of the mini-program's back end."""
    with _back_end(run) as (_, address):
        yield address


def node(run: Run, texts: list[str]) -> str:
    """Messages come in over HTTP, and are settled afterwards."""
    with _back_end(run) as (started, address):
        for text in texts:
            assert post(address, json.dumps({"text": text}).encode()) == 202
        until(lambda: started.written().count("\n") == len(texts) + 1)
        return started.written()


def settle_waiting(name: str, run: Run) -> None:
    """Let a client settle what lies in its spool, as after a run that was cut short."""
    waiting = run.spool / "waiting"
    if name == "node":
        with back_end(run):
            until(lambda: not any(waiting.iterdir()))
    else:
        _command(run, name, sorted(map(str, waiting.iterdir())))


def post(address: str, body: bytes) -> int:
    """Send to a mini-program's back end; returns the status."""
    with httpx2.Client(trust_env=False, timeout=PATIENCE) as client:
        return client.post(f"{address}/messages", content=body).status_code


CLIENTS: dict[str, Callable[[Run, list[str]], str]] = {
    "curl": curl,
    "python": python,
    "java": java,
    "node": node,
}


@cache
def _missing(name: str) -> str:
    """Why a client cannot run here; empty where it can."""
    needed = {"curl": ("bash", "curl"), "python": (), "java": ("java",), "node": ("node",)}[name]
    for program in needed:
        if shutil.which(program) is None:
            return f"{program} is not installed"
    if name == "node":
        version = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True)
        if int(version.stdout[1:].split(".")[0]) < 18:
            return "node is older than 18"
    if name == "java" and shutil.which("javac") is None:
        return "this java cannot run a source file: a JDK is needed"
    return ""


def skip_without(name: str) -> None:
    """Skip the test, with a reason, where a client's programs are missing."""
    if reason := _missing(name):
        pytest.skip(reason)
