"""Tables and sections of the page; everything is escaped unless it says `Raw`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from eval.values import IntervalFigures


class Raw(str):
    """Markup that is already safe."""

    __slots__ = ()


def share(value: float | None) -> str:
    """A share as a figure of three decimals; a dash where it is undefined."""
    return "–" if value is None else f"{value:.3f}"


def bounds(value: IntervalFigures, *, sign: bool = False) -> str:
    """A value with its interval."""
    if value.value is None:
        return "–"
    form = "+.3f" if sign else ".3f"
    return f"{value.value:{form}} [{value.low:{form}}, {value.high:{form}}]"


def _cell(value: str | int) -> str:
    return value if isinstance(value, Raw) else escape(str(value))


def _wide(head: str, body: str) -> str:
    rows = f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody>"
    return f'<div class="wide"><table>{rows}</table></div>'


def table(header: Sequence[str], rows: Iterable[Sequence[str | int]]) -> str:
    """A table; the first column is left-aligned, the others are figures."""
    head = "".join(f"<th>{escape(cell)}</th>" for cell in header)
    lines = ("".join(f"<td>{_cell(cell)}</td>" for cell in row) for row in rows)
    return _wide(head, "".join(f"<tr>{line}</tr>" for line in lines))


def shaded(counts: Sequence[Sequence[int]], header: Sequence[str], names: Sequence[str]) -> str:
    """A table of counts; each row is shaded by its shares."""
    lines = []
    for name, row in zip(names, counts, strict=True):
        total = max(1, sum(row))
        cells = "".join(
            f'<td style="background:rgba(11,92,173,{0.55 * count / total:.2f})">{count}</td>'
            for count in row
        )
        lines.append(f"<tr><td>{escape(name)}</td>{cells}</tr>")
    head = "".join(f"<th>{escape(cell)}</th>" for cell in header)
    return _wide(head, "".join(lines))


def page_section(title: str, body: str) -> str:
    """A titled section."""
    return f"<section><h2>{escape(title)}</h2>{body}</section>"


def pair(parts: Iterable[str]) -> str:
    """Parts beside each other where there is room."""
    return f'<div class="pair">{"".join(f"<div>{part}</div>" for part in parts)}</div>'
