"""Servers as processes of their own, on loopback ports."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

ROOT = Path(__file__).parents[2]
# Far more than any of it takes, on a machine that does other things as well.
PATIENCE = 60.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def until(true: Callable[[], bool], seconds: float = PATIENCE) -> float:
    """Wait until something is true, at most so many seconds; returns how long it took."""
    began = time.monotonic()
    while not true():
        assert time.monotonic() - began < seconds, "it took too long"
        time.sleep(0.03)
    return time.monotonic() - began


def _children(pid: int) -> list[int]:
    """The processes that `pid` started and that have not ended."""
    try:
        found = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    except (FileNotFoundError, ProcessLookupError):
        return []
    return [int(child) for child in found if alive(int(child))]


@dataclass
class Server:
    """A server that runs; what it writes goes to files, which never fill up as pipes do."""

    process: subprocess.Popen[bytes]
    url: str
    out: Path
    err: Path
    client: httpx2.Client

    def answers(self, path: str) -> bool:
        """Whether it answers with 200."""
        assert self.process.poll() is None, self.err.read_text(encoding="utf-8")
        try:
            return self.client.get(path).status_code == 200
        except httpx2.TransportError:
            return False

    def wait(self, path: str) -> None:
        until(lambda: self.answers(path))

    def log(self) -> list[dict[str, Any]]:
        """What was logged until now."""
        lines = self.err.read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines]

    def fork_servers(self) -> list[int]:
        """The processes that its workers are forked from: one, or two during a change."""
        return _children(self.process.pid)

    def workers(self) -> list[int]:
        """The processes of its workers."""
        return [pid for server in self.fork_servers() for pid in _children(server)]

    def metric(self, line: str) -> float:
        """The value of one series; 0 where it is absent."""
        text = self.client.get("/metrics").text
        values = [entry for entry in text.splitlines() if entry.startswith(line + " ")]
        return float(values[0].rpartition(" ")[2]) if values else 0.0

    def stop(self) -> int:
        """End it as an operator does; returns the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and waits to be reaped does not."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return False
    return status.rpartition(")")[2].split()[0] not in "ZX"


@contextlib.contextmanager
def running(*command: str, port: int, cwd: Path = ROOT, **environment: str) -> Iterator[Server]:
    """A server started by `command`; it and its workers are ended in any case.

    It stores nothing unless it is told where.
    """
    with tempfile.TemporaryDirectory() as folder:
        out, err = Path(folder, "out"), Path(folder, "err")
        apart = {"TRIAGE_STATE": str(Path(folder, "state"))}
        if not {"TRIAGE_STATE", "TRIAGE_DATABASE"} & environment.keys():
            apart["TRIAGE_DATABASE"] = "off"
        with out.open("wb") as to_out, err.open("wb") as to_err:
            process = subprocess.Popen(
                command,
                cwd=cwd,
                env=os.environ | apart | environment,
                stdin=subprocess.DEVNULL,
                stdout=to_out,
                stderr=to_err,
                start_new_session=True,
            )
        url = f"http://127.0.0.1:{port}"
        try:
            with httpx2.Client(base_url=url, timeout=PATIENCE) as client:
                yield Server(process, url, out, err, client)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@contextlib.contextmanager
def serving(**environment: str) -> Iterator[Server]:
    """The service itself, with the embedded model; ready."""
    port = free_port()
    command = (sys.executable, "-m", "tests.serving.serve_command", "--port", str(port))
    with running(*command, port=port, **environment) as server:
        server.wait("/readyz")
        yield server


@contextlib.contextmanager
def serving_fakes(name: str, **environment: str) -> Iterator[Server]:
    """The service around the fake classifier `name`; ready."""
    port = free_port()
    command = (sys.executable, "-m", "tests.serving.fake_server", str(port), name)
    with running(*command, port=port, **environment) as server:
        server.wait("/readyz")
        yield server
