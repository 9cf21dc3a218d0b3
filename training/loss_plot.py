"""The plot of a pre-training: training and held-out loss over the tokens read."""

from __future__ import annotations

import json
from pathlib import Path

from matplotlib.figure import Figure


def plot_losses(history: Path, out: Path) -> None:
    """Draw `pretrain.jsonl` as SVG; a point that was reached twice counts once."""
    lines = history.read_text(encoding="utf-8").splitlines()
    points = {point["step"]: point for point in map(json.loads, lines)}
    steps = sorted(points)
    millions = [points[step]["tokens"] / 1e6 for step in steps]
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    for name, label in (("loss", "training, sampled vocabulary"), ("held_out", "held out")):
        axes.plot(millions, [points[step][name] for step in steps], label=label)
    axes.set_xlabel("tokens read, millions")
    axes.set_ylabel("masked cross entropy, nats")
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(out, format="svg", metadata={"Date": None})
