"""Servers as processes of their own, on loopback ports."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2

ROOT = Path(__file__).parents[2]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Server:
    process: subprocess.Popen[str]
    url: str

    def wait(self, path: str) -> None:
        deadline = time.monotonic() + 60
        while True:
            assert self.process.poll() is None, self.process.communicate()
            assert time.monotonic() < deadline
            try:
                if httpx2.get(self.url + path).status_code == 200:
                    return
            except httpx2.TransportError:
                pass
            time.sleep(0.05)


@contextlib.contextmanager
def running(*command: str, port: int) -> Iterator[Server]:
    """A server started by `command`; it is ended in any case."""
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield Server(process, f"http://127.0.0.1:{port}")
    finally:
        process.kill()
        process.communicate()
