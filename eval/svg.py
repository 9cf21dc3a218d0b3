"""Small charts as inline SVG: lines, and a grid of counts. No script, no outside reference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

WIDTH: Final = 460
HEIGHT: Final = 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 12, 12, 44
_COLOURS: Final = ("#0b5cad", "#c2410c", "#15803d", "#7e22ce", "#475569")
_DASHES: Final = ("", "6 3", "2 3", "8 3 2 3", "1 4")


@dataclass(frozen=True, slots=True)
class Line:
    """A named line through points `(x, y)`; `marked` draws a dot on each."""

    name: str
    points: Sequence[tuple[float, float]]
    marked: bool = False


@dataclass(frozen=True, slots=True)
class Axis:
    """A labelled axis from `low` to `high`."""

    label: str
    low: float = 0.0
    high: float = 1.0

    def share(self, value: float) -> float:
        """Where `value` lies along the axis, 0 to 1, clipped."""
        return min(1.0, max(0.0, (value - self.low) / (self.high - self.low)))


def _x(axis: Axis, value: float) -> float:
    return _LEFT + axis.share(value) * (WIDTH - _LEFT - _RIGHT)


def _y(axis: Axis, value: float) -> float:
    return HEIGHT - _BOTTOM - axis.share(value) * (HEIGHT - _TOP - _BOTTOM)


def _frame(x: Axis, y: Axis, steps: int = 5) -> list[str]:
    parts = []
    for step in range(steps + 1):
        at = x.low + (x.high - x.low) * step / steps
        parts.append(
            f'<text x="{_x(x, at):.1f}" y="{HEIGHT - _BOTTOM + 16}" text-anchor="middle">'
            f"{at:.0%}</text>"
        )
        at = y.low + (y.high - y.low) * step / steps
        parts.append(
            f'<line x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{_y(y, at):.1f}" y2="{_y(y, at):.1f}" '
            f'class="grid"/><text x="{_LEFT - 6}" y="{_y(y, at) + 4:.1f}" text-anchor="end">'
            f"{at:.0%}</text>"
        )
    middle = (_TOP + HEIGHT - _BOTTOM) / 2
    parts.append(
        f'<text x="{(_LEFT + WIDTH - _RIGHT) / 2}" y="{HEIGHT - 8}" text-anchor="middle">'
        f"{escape(x.label)}</text>"
        f'<text transform="translate(12 {middle}) rotate(-90)" text-anchor="middle">'
        f"{escape(y.label)}</text>"
    )
    return parts


def _legend(lines: Sequence[Line]) -> list[str]:
    parts = []
    for number, line in enumerate(lines):
        at = _TOP + 10 + 17 * number
        parts.append(
            f'<line x1="{_LEFT + 8}" x2="{_LEFT + 34}" y1="{at}" y2="{at}" '
            f'stroke="{_COLOURS[number % 5]}" stroke-dasharray="{_DASHES[number % 5]}" '
            f'stroke-width="2"/><text x="{_LEFT + 40}" y="{at + 4}">{escape(line.name)}</text>'
        )
    return parts


def chart(title: str, lines: Sequence[Line], x: Axis, y: Axis) -> str:
    """A line chart with grid and legend; values are shown as percentages."""
    parts = _frame(x, y)
    for number, line in enumerate(lines):
        colour = _COLOURS[number % len(_COLOURS)]
        at = [(_x(x, a), _y(y, b)) for a, b in line.points]
        path = " ".join(f"{a:.1f},{b:.1f}" for a, b in at)
        parts.append(
            f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2" '
            f'stroke-dasharray="{_DASHES[number % len(_DASHES)]}"/>'
        )
        if line.marked:
            parts += [f'<circle cx="{a:.1f}" cy="{b:.1f}" r="3.5" fill="{colour}"/>' for a, b in at]
    parts += _legend(lines)
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">'
        f"<title>{escape(title)}</title>{''.join(parts)}</svg>"
    )
