"""One altered byte anywhere in a bundle: refused everywhere, with the file named."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.bundles import copied, flip
from tests.serving.process import ROOT
from triage.bundle import FILES

COMMANDS = {
    "serve": ["tests.serving.serve_command", "--bundle"],
    "verify": ["triage.cli", "model", "verify"],
    "classify": ["triage.cli", "classify", "你好", "--bundle"],
}


def _refusal(command: str, bundle: Path) -> str:
    module, *argv = COMMANDS[command]
    ran = subprocess.run(
        [sys.executable, "-m", module, *argv, str(bundle)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ran.returncode == 2
    assert ran.stdout == ""
    assert "Traceback" not in ran.stderr
    assert "invalid_bundle" in ran.stderr
    return ran.stderr


@pytest.mark.parametrize("name", FILES)
def test_altered_byte(tmp_path: Path, name: str) -> None:
    bundle = copied(tmp_path / "bundle")
    flip(bundle / name)
    assert name in _refusal("verify", bundle)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_refuses(tmp_path: Path, command: str) -> None:
    bundle = copied(tmp_path / "bundle")
    flip(bundle / FILES[0])
    assert FILES[0] in _refusal(command, bundle)


def test_missing_file(tmp_path: Path) -> None:
    bundle = copied(tmp_path / "bundle")
    (bundle / FILES[1]).unlink()
    assert "is missing" in _refusal("verify", bundle)
