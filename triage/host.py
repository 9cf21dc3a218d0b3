"""What the machine offers: its cores, and files that are whole whenever it stops."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def cores() -> int:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def replace_text(file: Path, text: str) -> None:
    """Replace what `file` holds: whoever reads it finds the old text or the new one, whole.

    Raises:
        OSError: it cannot be written; the old one stays, and nothing is left behind.
    """
    fresh = file.with_name(f".{file.name}.new")
    try:
        with fresh.open("w", encoding="utf-8") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        fresh.replace(file)
    finally:
        fresh.unlink(missing_ok=True)
    flush(file.parent)


def flush(path: Path) -> None:
    """Make sure that a file, or the names in a directory, are on the disk."""
    if sys.platform == "win32":
        return  # where a directory cannot be opened
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
