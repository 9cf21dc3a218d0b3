"""What a bundle may cost, and whether it stays within that.

MB are millions of bytes, which is less than MiB: the stricter reading of a limit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from eval.costs import RuntimeFigures
from eval.values import Value

TOKENS: Final = 160
"""Length of the message whose time is limited, in tokens of the encoder's window."""
MESSAGE_MS: Final = 12.0
"""The most that one such message may take on one thread (median), in milliseconds."""
BUNDLE_MB: Final = 16.0
"""The most that a bundle may take on disk, in MB."""
RESIDENT_MB: Final = 150.0
"""The most that a process may keep resident after 200 messages, in MB."""

MB: Final = 1e6
_MIB: Final = 2**20


class BudgetFigures(Value):
    """A measured figure beside its limit, both in `unit`."""

    name: str
    value: float
    limit: float
    unit: str
    within: bool


def bundle_files(bundle: Path) -> dict[str, int]:
    """Size in bytes of every file of a bundle, by name, the largest first."""
    sizes = {file.name: file.stat().st_size for file in bundle.iterdir() if file.is_file()}
    return dict(sorted(sizes.items(), key=lambda item: (-item[1], item[0])))


def _figure(name: str, value: float, limit: float, unit: str) -> BudgetFigures:
    return BudgetFigures(name=name, value=value, limit=limit, unit=unit, within=value <= limit)


def _figures(files: Mapping[str, int], runtime: RuntimeFigures | None) -> Iterator[BudgetFigures]:
    yield _figure("bundle on disk", sum(files.values()) / MB, BUNDLE_MB, "MB")
    if runtime is None:
        return
    if runtime.resident_mib is not None:
        resident = runtime.resident_mib * _MIB / MB
        yield _figure("resident memory", resident, RESIDENT_MB, "MB")
    name = f"message of {TOKENS} tokens"
    message = runtime.window.message
    yield _figure(f"{name}, median by the clock", message.median_ms, MESSAGE_MS, "ms")
    yield _figure(f"{name}, median of CPU time", message.cpu_median_ms, MESSAGE_MS, "ms")


def budget(files: Mapping[str, int], runtime: RuntimeFigures | None) -> list[BudgetFigures]:
    """Every figure that has a limit and was measured; `files` in bytes, by name.

    Time by the clock is held to the limit too, although other work on the machine lengthens it.
    """
    return list(_figures(files, runtime))
