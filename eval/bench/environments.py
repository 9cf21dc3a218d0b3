"""Virtual environments of competitors, so that none of their packages comes into the project's.

`torch` is not installed again: the build that this process has is linked in, because another one
may be gigabytes of code for cards that the machine has not.
"""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Final

PACKAGES: Final = {
    "litserve": ("litserve>=0.2.10", "transformers>=5.0", "torch"),
    # The command line of infinity-emb does not run with later versions of click.
    "infinity": ("infinity-emb[server,torch]>=0.0.77", "click<8.2"),
}
"""What each environment holds."""


class InstallFailedError(RuntimeError):
    """An environment could not be made."""


def _python(venvs: Path, name: str) -> Path:
    return venvs / name / "bin" / "python"


def interpreter(venvs: Path, name: str) -> tuple[Path, str | None]:
    """The interpreter of an environment, and how to make it where it is missing."""
    python = _python(venvs, name)
    if (venvs / name / ".ready").exists():
        return python, None
    return python, f"{PACKAGES[name][0]} is not installed: python -m eval.bench --install"


def _run(*command: str) -> str:
    done = subprocess.run(  # noqa: S603 - no shell
        command, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise InstallFailedError(f"{' '.join(command[:4])}…: {done.stderr.strip()[-2_000:]}")
    return done.stdout


def _link_torch(folder: Path, python: Path) -> list[str]:
    """Make this process's torch importable in an environment; returns what pip must keep."""
    try:
        torch = distribution("torch")
    except PackageNotFoundError:
        return []
    link = folder / "torch-link"
    link.mkdir()
    tops = {Path(file).parts[0] for file in torch.files or () if Path(file).parts[0] != ".."}
    for top in sorted(tops - {"__pycache__"}):
        (link / top).symlink_to(Path(str(torch.locate_file(top))).resolve())
    site = _run(str(python), "-c", "import site; print(site.getsitepackages()[0])").strip()
    (Path(site) / "torch-link.pth").write_text(f"{link}\n", encoding="utf-8")
    return [f"torch=={torch.version}"]


def install(venvs: Path, name: str) -> Path:
    """Make the environment of a competitor where it is not there yet; returns its interpreter.

    Raises:
        InstallFailedError: pip says why.
    """
    python = _python(venvs, name)
    folder = (venvs / name).absolute()
    if (folder / ".ready").exists():
        return python
    _run(sys.executable, "-m", "venv", "--clear", str(folder))
    constraints = folder / "constraints.txt"
    kept = _link_torch(folder, python)
    constraints.write_text("\n".join(kept) + "\n", encoding="utf-8")
    _run(str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
         "--constraint", str(constraints), *PACKAGES[name])  # fmt: skip
    (folder / ".ready").touch()
    return python
