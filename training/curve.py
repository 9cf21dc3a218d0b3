"""`python -m training.curve`: what more labels are worth, to the linear voice and the encoder."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Final

import numpy as np
import typer
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict
from rich.console import Console
from rich.table import Table

from training.base import EMBEDDED, resolve_base
from training.corpus import labelled_file, training_file
from training.data import Example, data_hash, invented_nothing, read_uncached
from training.finetune import macro_f1
from training.folds import nested_subsets
from training.kept import Kept
from training.linear_fit import fit_linear, linear_text
from training.measure import strict
from training.plots import plot_curve
from training.runtime import log, plain_errors, start_logging
from training.split import grouped_split
from training.trial import TrialSettings, score, trial, use_cores
from triage.errors import InputFileError
from triage.labels import DEPARTMENTS

SHARES: Final = (0.125, 0.25, 0.5, 1.0)
LINEAR, ENCODER = "linear voice", "encoder"
_HELD: Final = 0.15  # of the labels an encoder may use: they choose its epoch, as in a training
_RESAMPLES: Final = 1_000


class Point(BaseModel):
    """One voice with so many labels: macro-F1 with its 95 % interval, accuracy, wall time."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    voice: str
    share: float
    messages: int
    macro_f1: float
    low: float
    high: float
    accuracy: float
    seconds: float


class Curve(BaseModel):
    """All points, measured on `dev_messages` messages of the development set."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dev_messages: int
    settings: dict[str, object]
    points: list[Point]


def interval(
    classes: NDArray[np.floating], labels: Sequence[int], seed: int
) -> tuple[float, float]:
    """95 % percentile bootstrap interval of the macro-F1 over the messages (Efron 1979)."""
    rng, truth = np.random.default_rng(seed), np.array(labels)
    draws = rng.integers(len(truth), size=(_RESAMPLES, len(truth)))
    low, high = np.quantile([macro_f1(classes[d], list(truth[d])) for d in draws], [0.025, 0.975])
    return float(low), float(high)


@dataclass(frozen=True, slots=True)
class Learner:
    """Fits voices on parts of the training messages and measures them on `dev`."""

    train: Sequence[Example]
    dev: Sequence[Example]
    seed: int

    def linear(self, chosen: NDArray[np.int64]) -> NDArray[np.floating]:
        """Scores `[n, 5]` of `dev` by the linear voice."""
        examples = [self.train[i] for i in chosen]
        model = fit_linear([*examples, *invented_nothing()], seed=self.seed)
        return np.stack([model.predict(linear_text(e)).classes for e in self.dev])

    def encoder(self, chosen: NDArray[np.int64], settings: TrialSettings,
                work: Path) -> NDArray[np.floating]:  # fmt: skip
        """Logits `[n, 5]` of `dev` by the encoder."""
        examples = [self.train[i] for i in chosen] + invented_nothing()
        split = grouped_split(examples, _HELD, self.seed)
        train, held = ([examples[i] for i in part] for part in (split.train, split.validation))
        return trial(train, held, self.dev, settings, work)[1]

    def measure(self, voice: str, share: float, chosen: NDArray[np.int64],
                settings: TrialSettings | None, work: Path) -> Point:  # fmt: skip
        """The point of a voice that learns from the `chosen` messages."""
        began = time.monotonic()
        scores = self.encoder(chosen, settings, work) if settings else self.linear(chosen)
        four, labels = scores[:, : len(DEPARTMENTS)], [e.label for e in self.dev]
        low, high = interval(four, labels, self.seed)
        point = Point(
            voice=voice, share=share, messages=len(chosen), low=low, high=high,
            seconds=round(time.monotonic() - began, 1), **score(four, labels).model_dump(),
        )  # fmt: skip
        log.info("%s, %d messages: macro-F1 %.4f", voice, point.messages, point.macro_f1)
        return point


def _read(data: Path) -> tuple[list[Example], list[Example]]:
    file, known = labelled_file(data, "dev"), training_file(data)
    if file is None:
        raise InputFileError(
            f"{data} has no labelled/dev.jsonl or .csv; the curve is measured on it"
        )
    train, dev = read_uncached(known), strict(read_uncached(file))
    if not dev:
        raise InputFileError(f"{file} has no uncontested message of a department")
    return train, dev


def learn(data: Path, out: Path, *, seed: int, encoder: TrialSettings | None,
          shares: Sequence[float] = SHARES) -> Curve:  # fmt: skip
    """Measure what is not kept in `out` from before; write `curve.json` and `curve.svg`.

    Raises:
        InputFileError: training or development messages are missing or cannot be read.
        ValueError, OSError: see `load_encoder`.
    """
    train, dev = _read(data)
    common: dict[str, object] = {"train": data_hash(train), "dev": data_hash(dev), "seed": seed}
    voices: list[tuple[str, TrialSettings | None]] = [(LINEAR, None)]
    voices += [(ENCODER, encoder)] if encoder else []
    subsets = nested_subsets([e.body.text for e in train], shares, seed)
    learner, points = Learner(train, dev, seed), []
    for voice, settings in voices:
        described = common | {"voice": voice} | (settings.described() if settings else {})
        kept = Kept(out, described)
        for share, chosen in zip(shares, subsets, strict=True):
            measure = partial(learner.measure, voice, share, chosen, settings)
            points.append(kept.part(f"{share:g}", Point, measure))
    described = common | ({"encoder": encoder.described()} if encoder else {})
    curve = Curve(dev_messages=len(dev), settings=described, points=points)
    text = json.dumps(curve.model_dump(), indent=2)
    (out / "curve.json").write_text(text + "\n", encoding="utf-8")
    lines = {v: [p for p in points if p.voice == v] for v, _ in voices}
    plot_curve(
        {voice: [(p.messages, p.macro_f1, p.low, p.high) for p in line]
         for voice, line in lines.items()},
        f"macro-F1 on {len(dev)} messages (strict), 95 % interval", out / "curve.svg",
    )  # fmt: skip
    return curve


def show(curve: Curve, console: Console) -> None:
    """Print the points."""
    table = Table("voice", title=f"{curve.dev_messages} messages, strict", title_justify="left")
    for name in ("labels", "macro-F1 [95 %]", "accuracy", "seconds"):
        table.add_column(name, justify="right")
    for p in curve.points:
        table.add_row(p.voice, f"{p.messages:,}", f"{p.macro_f1:.3f} [{p.low:.3f}, {p.high:.3f}]",
                      f"{p.accuracy:.3f}", f"{p.seconds:.0f}")  # fmt: skip
    console.print(table)


def main(
    data: Annotated[Path, typer.Option(help="Directory with labelled/train.jsonl and dev.")],
    base: Annotated[str, typer.Option(help="Encoder to fine-tune: a directory or a hub id.")] = str(
        EMBEDDED
    ),
    encoder: Annotated[bool, typer.Option(help="Measure the encoder; slow.")] = True,
    epochs: Annotated[int, typer.Option(min=1, help="Epochs of fine-tuning.")] = 4,
    max_length: Annotated[int, typer.Option(min=16, max=512, help="Tokens read.")] = 256,
    seed: Annotated[int, typer.Option(help="Seed of every random choice.")] = 1,
    out: Annotated[Path, typer.Option(help="Results and checkpoints.")] = Path(
        "build/learning-curve"
    ),
) -> None:
    """Measure the worth of more labels. Called again, it goes on where it stopped."""
    use_cores()
    start_logging(out / "curve.log")
    with plain_errors():
        settings = TrialSettings(resolve_base(base), epochs, max_length, seed) if encoder else None
        curve = learn(data, out, seed=seed, encoder=settings)
    show(curve, Console())
    log.info("written to %s", out)


if __name__ == "__main__":
    typer.run(main)
