"""What Linux says of a process's memory. Light: `eval.probe` measures itself with it."""

from __future__ import annotations

import re
from pathlib import Path


def _mib(pid: int | str, file: str, field: str) -> float | None:
    """A field of `/proc/PID/FILE` in MiB; None where process or system has none."""
    try:
        found = re.search(rf"^{field}:\s+(\d+) kB", Path(f"/proc/{pid}/{file}").read_text(), re.M)
    except OSError:
        return None
    return int(found[1]) / 1024 if found else None


def resident(pid: int | str = "self") -> float | None:
    """Resident memory in MiB."""
    return _mib(pid, "status", "VmRSS")


def proportional(pid: int | str = "self") -> float | None:
    """Memory in MiB, shared pages divided among their users."""
    return _mib(pid, "smaps_rollup", "Pss")
