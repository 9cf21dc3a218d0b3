"""What a chart draws, which a table beside it also tells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

_LEVELS: Final = 5


@dataclass(frozen=True, slots=True)
class Series:
    """Numbers of one kind, one for each name of the chart."""

    name: str
    data: Sequence[float]


@dataclass(frozen=True, slots=True)
class Chart:
    """`what` the names are. `across`: bars lie, for names that are long."""

    title: str
    what: str
    names: Sequence[str]
    series: Sequence[Series]
    kind: Literal["bar", "line"] = "bar"
    across: bool = False
    stacked: bool = False

    @property
    def data(self) -> dict[str, Any]:
        """As the script takes it."""
        return {
            "kind": self.kind,
            "across": self.across,
            "stacked": self.stacked,
            "names": list(self.names),
            "series": [{"name": each.name, "data": list(each.data)} for each in self.series],
        }


@dataclass(frozen=True, slots=True)
class Matrix:
    """Numbers in a square, each with how strongly it is shown: 0 to 5."""

    names: list[str]
    rows: list[tuple[str, list[tuple[int, int]]]] = field(default_factory=list)


def matrix(
    rows: Mapping[str, str], columns: Mapping[str, str], counted: Mapping[tuple[str, str], int]
) -> Matrix:
    """From counts by row and column; `rows` and `columns` name them, in order."""
    most = max(counted.values(), default=0) or 1

    def cell(row: str, column: str) -> tuple[int, int]:
        number = counted.get((row, column), 0)
        return number, -(-number * _LEVELS // most)

    made = [(name, [cell(row, column) for column in columns]) for row, name in rows.items()]
    return Matrix(list(columns.values()), made)
