"""Servers as process groups: started, asked, measured, ended. Reads `/proc` (Linux)."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from eval.bench.figures import ProcessMemory
from eval.memory import proportional, resident

_START_SECONDS: Final = 120.0
_STOP_SECONDS: Final = 8.0
_POLL_SECONDS: Final = 0.01
_TICKS: Final = os.sysconf("SC_CLK_TCK")


def end_by_signal() -> None:
    """Let a signal to stop end what was started too, instead of this process alone."""

    def stop(number: int, _: object) -> None:
        raise SystemExit(128 + number)

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)


class ServerFailedError(RuntimeError):
    """A server ended or did not answer; the message names its log."""


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def post(port: int, path: str, body: bytes, seconds: float = 60.0) -> int | None:
    """The status that a POST is answered with; None where nobody answers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=seconds)
    try:
        connection.request("POST", path, body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        answer.read()
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
    return answer.status


def _stat(pid: int) -> list[str]:
    """The fields of `/proc/PID/stat` from the state on; none where the process has gone."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    return text.rpartition(")")[2].split()


def tree(root: int) -> list[int]:
    """`root` and all its descendants that live."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (fields := _stat(int(entry.name))) and fields[0] != "Z":
            parents[int(entry.name)] = int(fields[1])
    found = [root] if root in parents else []
    for pid in found:
        found += [child for child, parent in parents.items() if parent == pid]
    return found


def cpu_seconds(pid: int) -> float:
    """Processor time that a process has used so far."""
    fields = _stat(pid)
    return (int(fields[11]) + int(fields[12])) / _TICKS if fields else 0.0


def cpu_of_tree(root: int) -> float:
    """Processor time that a process and all its living descendants have used so far."""
    return sum(map(cpu_seconds, tree(root)))


def memory(root: int) -> list[ProcessMemory]:
    """Memory of a process and of all its descendants, the largest first."""
    kept = [
        ProcessMemory(name=_name(pid), resident_mib=mib, proportional_mib=proportional(pid))
        for pid in tree(root)
        if (mib := resident(pid)) is not None
    ]
    return sorted(kept, key=lambda process: -process.resident_mib)


def _name(pid: int) -> str:
    """The module or script that a Python process runs, without paths."""
    with contextlib.suppress(OSError):
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
        if "-m" in words[:-1]:
            return words[words.index("-m") + 1]
        if "-c" in words[:-1]:
            return "-c " + words[words.index("-c") + 1][:40]
        return " ".join(Path(word).name for word in words[:2])
    return "?"


@dataclass(frozen=True, slots=True)
class Server:
    """A running server. `first_answer_s`: seconds from its start to the first answer."""

    pid: int
    port: int
    first_answer_s: float


def _wait(process: subprocess.Popen[bytes], port: int, path: str, body: bytes, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while post(port, path, body) != 200:
        if process.poll() is not None:
            raise ServerFailedError(f"it ended with {process.returncode}; see {log}")
        if time.monotonic() > deadline:
            raise ServerFailedError(f"no answer within {_START_SECONDS:.0f} s; see {log}")
        time.sleep(_POLL_SECONDS)


@contextlib.contextmanager
def running(
    command: Sequence[str], environment: Mapping[str, str], port: int, path: str, body: bytes,
    log: Path,
) -> Iterator[Server]:  # fmt: skip
    """A server that answers `body` at `path`; all its processes are ended in any case.

    Raises:
        ServerFailedError: it did not get there.
    """
    with log.open("wb") as written:
        began = time.perf_counter()
        process = subprocess.Popen(  # noqa: S603 - no shell
            command,
            stdin=subprocess.DEVNULL,
            stdout=written,
            stderr=written,
            env={**os.environ, **environment},
            start_new_session=True,
        )
        try:
            _wait(process, port, path, body, log)
            yield Server(process.pid, port, time.perf_counter() - began)
        finally:
            end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    """End the process group that `process` leads, politely first."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_STOP_SECONDS)
    process.wait()
