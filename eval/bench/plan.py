"""In which order the contestants are measured."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Step(NamedTuple):
    """One contestant in one repeat."""

    repeat: int
    contestant: str


def interleaved(contestants: Sequence[str], repeats: int) -> list[Step]:
    """Every contestant once in each repeat, each repeat beginning with another one.

    What changes slowly on the machine (heat, other work) then meets all of them alike.
    """
    count = len(contestants)
    return [
        Step(repeat, contestants[(repeat + place) % count])
        for repeat in range(repeats)
        for place in range(count)
    ]


def chosen(known: Sequence[str], only: str | None) -> list[str]:
    """The contestants named in `only` (`a,f`), in the order of `known`; all without it.

    Raises:
        ValueError: one is not known.
    """
    if only is None:
        return list(known)
    wanted = {name.strip() for name in only.split(",") if name.strip()}
    if unknown := sorted(wanted - set(known)):
        raise ValueError(f"unknown: {', '.join(unknown)}; there are {', '.join(known)}")
    return [name for name in known if name in wanted]
