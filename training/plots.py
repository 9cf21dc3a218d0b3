"""Plots as SVG, without a display: the learning curve and the losses of a pre-training."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator


def _figure(height: float) -> Figure:
    figure = Figure(figsize=(7, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _save(figure: Figure, path: Path) -> None:
    # Neither date nor random ids: the same points make the same file.
    with mpl.rc_context({"svg.hashsalt": "curve", "svg.fonttype": "none"}):
        figure.savefig(path, format="svg", metadata={"Date": None})


def plot_curve(
    lines: Mapping[str, Sequence[tuple[int, float, float, float]]], title: str, path: Path
) -> None:
    """A line a voice through its points: number of labels, score, ends of the interval."""
    figure = _figure(4.5)
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
    _save(figure, path)


def plot_losses(history: Path, path: Path) -> None:
    """The lines of `pretrain.jsonl`; a point that was reached twice counts once."""
    lines = history.read_text(encoding="utf-8").splitlines()
    points = {point["step"]: point for point in map(json.loads, lines)}
    steps = sorted(points)
    millions = [points[step]["tokens"] / 1e6 for step in steps]
    figure = _figure(4)
    axes = figure.add_subplot()
    for name, label in (("loss", "training, sampled vocabulary"), ("held_out", "held out")):
        axes.plot(millions, [points[step][name] for step in steps], label=label)
    axes.set(xlabel="tokens read, millions", ylabel="masked cross entropy, nats")
    axes.grid(alpha=0.3)
    axes.legend()
    _save(figure, path)
