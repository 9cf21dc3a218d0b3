"""Draw the learning curve as SVG, without a display."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator


def plot(
    lines: Mapping[str, Sequence[tuple[int, float, float, float]]], title: str, path: Path
) -> None:
    """A line a voice through its points: number of labels, score, ends of the interval."""
    figure = Figure(figsize=(7, 4.5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for voice, points in lines.items():
        labels, scores, low, high = (list(column) for column in zip(*points, strict=True))
        below = [max(0.0, s - bound) for s, bound in zip(scores, low, strict=True)]
        above = [max(0.0, bound - s) for s, bound in zip(scores, high, strict=True)]
        axes.errorbar(labels, scores, yerr=(below, above), marker="o", capsize=3, label=voice)
    axes.set_xscale("log", base=2)
    ticks = sorted({int(point[0]) for points in lines.values() for point in points})
    axes.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set(xlabel="labelled messages", ylabel="macro-F1", title=title)
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right")
    # Neither date nor random ids: the same points make the same file.
    with mpl.rc_context({"svg.hashsalt": "curve", "svg.fonttype": "none"}):
        figure.savefig(path, format="svg", metadata={"Date": None})
