"""The machine that is measured on, and the environment that the contestants run in."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from eval.bench.figures import Machine
from triage.host import cores

_THREADS: Final = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_PACKAGES: Final = ("onnxruntime", "torch", "transformers", "fastapi", "uvicorn", "tokenizers")


def as_usual() -> dict[str, str]:
    """The environment without limits on threads, which a shell may have set."""
    return {name: value for name, value in os.environ.items() if name not in _THREADS}


def one_thread() -> dict[str, str]:
    """The environment of a process that is to use one core."""
    return as_usual() | dict.fromkeys(_THREADS, "1")


def elsewhere(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment of an interpreter that must not see this project's packages."""
    return {name: value for name, value in environment.items() if name != "PYTHONPATH"}


def load_average() -> float:
    """How many processes wanted to run in the last minute, on average."""
    return round(os.getloadavg()[0], 2)


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def machine(load_generator: str) -> Machine:
    """This machine and what is installed beside the benchmark."""
    found = {package: _version(package) for package in _PACKAGES}
    return Machine(
        cores=cores(),
        processor=_processor(),
        python=platform.python_version(),
        load_generator=load_generator,
        versions={package: number for package, number in found.items() if number},
    )
