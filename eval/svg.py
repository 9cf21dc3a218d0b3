"""Line charts as inline SVG. No script, no outside reference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

_WIDTH: Final = 460
_PLOT: Final = 240
_LEFT, _RIGHT, _BOTTOM = 52, 24, 44
_ROW: Final = 17
_STEPS: Final = 5
# Colour and dash differ together, so that lines can be told apart without colour.
_STROKES: Final = (
    ("#0b5cad", "6 3"), ("#c2410c", "2 3"), ("#15803d", ""), ("#7e22ce", "8 3 2 3"),
    ("#475569", "1 4"), ("#be123c", "10 4"), ("#0f766e", "4 4"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Line:
    """A named line through points `(x, y)`; `marked` draws a dot on each."""

    name: str
    points: Sequence[tuple[float, float]]
    marked: bool = False


@dataclass(frozen=True, slots=True)
class Axis:
    """A labelled axis from `low` to `high`; values outside are drawn at its end."""

    label: str
    low: float = 0.0
    high: float = 1.0

    def share(self, value: float) -> float:
        """Where `value` lies along the axis, 0 to 1."""
        return min(1.0, max(0.0, (value - self.low) / (self.high - self.low)))

    def ticks(self) -> list[float]:
        """Evenly spaced values from one end to the other."""
        return [self.low + (self.high - self.low) * step / _STEPS for step in range(_STEPS + 1)]


@dataclass(frozen=True, slots=True)
class _Plot:
    x: Axis
    y: Axis
    top: float

    def at(self, x: float, y: float) -> tuple[float, float]:
        across = _LEFT + self.x.share(x) * (_WIDTH - _LEFT - _RIGHT)
        return round(across, 1), round(self.top + (1 - self.y.share(y)) * _PLOT, 1)


def _text(x: float, y: float, text: str, anchor: str = "start", turned: str = "") -> str:
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}"{turned}>{escape(text)}</text>'


def _frame(plot: _Plot) -> list[str]:
    parts = []
    for tick in plot.x.ticks():
        across, down = plot.at(tick, plot.y.low)
        parts.append(_text(across, down + 16, f"{tick:.0%}", "middle"))
    for tick in plot.y.ticks():
        across, down = plot.at(plot.x.low, tick)
        line = f'x1="{across}" x2="{_WIDTH - _RIGHT}" y1="{down}" y2="{down}"'
        parts.append(f'<line {line} class="grid"/>')
        parts.append(_text(across - 6, down + 4, f"{tick:.0%}", "end"))
    middle = plot.top + _PLOT / 2
    parts.append(_text((_LEFT + _WIDTH) / 2, plot.top + _PLOT + 36, plot.x.label, "middle"))
    turned = f' transform="rotate(-90 12 {middle})"'
    parts.append(_text(12, middle, plot.y.label, "middle", turned))
    return parts


def _line(plot: _Plot, line: Line, number: int) -> str:
    colour, dash = _STROKES[number % len(_STROKES)]
    stroke = f'stroke="{colour}" stroke-width="2" stroke-dasharray="{dash}"'
    points = [plot.at(x, y) for x, y in line.points]
    path = " ".join(f"{x},{y}" for x, y in points)
    dots = "".join(f'<circle cx="{x}" cy="{y}" r="3" fill="{colour}"/>' for x, y in points)
    x, y = _LEFT + number % 2 * (_WIDTH / 2 - _LEFT / 2), _ROW * (number // 2) + 12
    key = f'<line x1="{x}" x2="{x + 26}" y1="{y}" y2="{y}" {stroke}/>'
    key += _text(x + 32, y + 4, line.name)
    drawn = f'<polyline points="{path}" fill="none" {stroke}/>'
    return drawn + (dots if line.marked else "") + key


def chart(title: str, lines: Sequence[Line], x: Axis, y: Axis) -> str:
    """A line chart with its legend above; values are shown as percentages."""
    plot = _Plot(x, y, top=_ROW * ((len(lines) + 1) // 2) + 16)
    parts = _frame(plot) + [_line(plot, line, number) for number, line in enumerate(lines)]
    return (
        f'<svg viewBox="0 0 {_WIDTH} {plot.top + _PLOT + _BOTTOM}" role="img" '
        f'aria-label="{escape(title)}"><title>{escape(title)}</title>{"".join(parts)}</svg>'
    )
