"""Copies of the embedded bundle, and what tests do to them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from triage.bundle import MANIFEST, default_path


def copied(target: Path) -> Path:
    """A copy of the embedded bundle at `target`."""
    return Path(shutil.copytree(default_path(), target))


def rewrite(bundle: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Let `change` alter the manifest."""
    manifest = json.loads((bundle / MANIFEST).read_text(encoding="utf-8"))
    change(manifest)
    (bundle / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")


def flip(file: Path) -> None:
    """Alter one byte in the middle."""
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
