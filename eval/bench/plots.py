"""Charts of the results as SVG files that stand alone: no script, no outside reference."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

_WIDTH, _HEIGHT = 720, 380
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 20, 44, 56
_ROW: Final = 18
_COLOURS: Final = (
    "#94a3b8", "#64748b", "#d97706", "#7e22ce", "#be123c", "#15803d", "#0b5cad",
)  # fmt: skip
_LINES: Final = _COLOURS[::-1]
_FONT: Final = "font-family='system-ui, sans-serif' font-size='12' fill='#1f2937'"


@dataclass(frozen=True, slots=True)
class Series:
    """A name and its values, one for each place along the axis; None leaves a gap."""

    name: str
    values: Sequence[float | None]


def ceiling(value: float) -> float:
    """The next of 1, 2, 5 times a power of ten that is not below `value`."""
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1.0, 2.0, 5.0, 10.0) if value <= step * power * 1.0001)


def _text(x: float, y: float, text: str, anchor: str = "start", more: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{more}>{escape(text)}</text>'


def _legend(names: Sequence[str], colours: Sequence[str]) -> tuple[str, float]:
    """The markup, and where it ends."""
    parts = []
    for place, name in enumerate(names):
        x, y = _LEFT + place % 2 * 320, _TOP + _ROW * (place // 2)
        colour = colours[place % len(colours)]
        parts.append(f'<rect x="{x}" y="{y - 10}" width="12" height="12" fill="{colour}"/>')
        parts.append(_text(x + 18, y, name))
    return "".join(parts), _TOP + _ROW * ((len(names) + 1) // 2)


def _whole(title: str, label: str, parts: str, height: float) -> str:
    middle = height / 2
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height:.0f}" role="img" '
        f"aria-label={_quoted(title)} {_FONT}><title>{escape(title)}</title>"
        f'<rect width="100%" height="100%" fill="#ffffff"/>'
        + _text(_LEFT, 22, title, more=" font-weight='600' font-size='15'")
        + _text(16, middle, label, "middle", f' transform="rotate(-90 16 {middle:.1f})"')
        + f"{parts}</svg>\n"
    )


def _quoted(text: str) -> str:
    return f'"{escape(text, quote=True)}"'


def _line(x1: float, x2: float, y: float, colour: str = "#e5e7eb") -> str:
    return f'<line x1="{x1}" x2="{x2}" y1="{y:.1f}" y2="{y:.1f}" stroke="{colour}"/>'


def bars(
    title: str, label: str, places: Sequence[str], series: Sequence[Series], *, log: bool = False
) -> str:
    """Grouped bars: a group for each of `places`, a bar in it for each of `series`.

    On a logarithmic axis bars begin at the power of ten below the smallest value.
    """
    legend, top = _legend([each.name for each in series], _COLOURS)
    bottom = top + _HEIGHT - _TOP - _BOTTOM
    values = [value for each in series for value in each.values if value]
    high = ceiling(max(values, default=1.0))
    low = 10.0 ** math.floor(math.log10(min(values, default=1.0))) if log else 0.0
    high = max(high, 10 * low)

    def y(value: float) -> float:
        share = math.log(max(value, low) / low) / math.log(high / low) if log else value / high
        return bottom - share * (bottom - top - 12)

    parts = [legend]
    powers = range(round(math.log10(low)), math.floor(math.log10(high)) + 1) if log else ()
    for tick in [10.0**power for power in powers] or [high * n / 5 for n in range(6)]:
        parts.append(_line(_LEFT, _WIDTH - _RIGHT, y(tick)))
        parts.append(_text(_LEFT - 6, y(tick) + 4, f"{tick:,g}", "end"))
    group = (_WIDTH - _LEFT - _RIGHT) / max(1, len(places))
    width = group * 0.84 / max(1, len(series))
    for at, place in enumerate(places):
        left = _LEFT + group * at + group * 0.08
        parts.append(_text(_LEFT + group * (at + 0.5), bottom + 18, place, "middle"))
        for nth, each in enumerate(series):
            value = each.values[at]
            if value is None:
                continue
            colour, x = _COLOURS[nth % len(_COLOURS)], left + width * nth
            size = f'width="{width * 0.9:.1f}" height="{bottom - y(value):.1f}" fill="{colour}"'
            parts.append(f'<rect x="{x:.1f}" y="{y(value):.1f}" {size}/>')
            more = " font-size='9'"
            parts.append(_text(x + width * 0.45, y(value) - 3, f"{value:,.0f}", "middle", more))
    parts.append(_line(_LEFT, _WIDTH - _RIGHT, bottom, "#6b7280"))
    return _whole(title, label, "".join(parts), bottom + _BOTTOM)


def lines(title: str, label: str, along: str, series: Sequence[Series]) -> str:
    """Lines over evenly spaced places, as the seconds of a run; `along` names the axis."""
    legend, top = _legend([each.name for each in series], _LINES)
    bottom = top + _HEIGHT - _TOP - _BOTTOM
    high = ceiling(max((v for each in series for v in each.values if v), default=1.0))
    count = max((len(each.values) for each in series), default=1)

    def point(place: int, value: float) -> str:
        x = _LEFT + (_WIDTH - _LEFT - _RIGHT) * place / max(1, count - 1)
        return f"{x:.1f},{bottom - value / high * (bottom - top - 12):.1f}"

    parts = [legend]
    for step in range(6):
        y = bottom - step / 5 * (bottom - top - 12)
        parts.append(_line(_LEFT, _WIDTH - _RIGHT, y))
        parts.append(_text(_LEFT - 6, y + 4, f"{high * step / 5:,g}", "end"))
    for nth, each in enumerate(series):
        path = " ".join(point(n, v) for n, v in enumerate(each.values) if v is not None)
        stroke = f'stroke="{_LINES[nth % len(_LINES)]}" stroke-width="2"'
        parts.append(f'<polyline points="{path}" fill="none" {stroke}/>')
    for place in (0, count - 1):
        x = float(point(place, 0.0).split(",")[0])
        parts.append(_text(x, bottom + 18, str(place), "middle"))
    parts.append(_text((_LEFT + _WIDTH) / 2, bottom + 36, along, "middle"))
    return _whole(title, label, "".join(parts), bottom + _BOTTOM)
