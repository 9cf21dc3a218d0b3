"""`python -m training.benchmark`: a linear SVM, the encoder and both on the public benchmark."""

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
from pydantic import BaseModel, ConfigDict
from rich.console import Console
from rich.table import Table
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.svm import LinearSVC

from training.base import EMBEDDED, resolve_base
from training.data import Example
from training.folds import Indices, grouped_folds
from training.kept import Kept
from training.pool import fit_pool, pooled
from training.runtime import log, plain_errors, start_logging
from training.split import grouped_split, near_duplicate_groups
from training.tipdm import FILE, Benchmark, read_benchmark
from training.trial import Score, TrialSettings, score, trial, use_cores
from triage.bundle import file_hash
from triage.errors import InputFileError
from triage.fusion import Floats64, log_softmax

SYSTEMS: Final = ("svm", "encoder", "combined")
_NAMES: Final = dict(zip(SYSTEMS, ("linear SVM", "encoder", "encoder + SVM"), strict=True))
_HELD: Final = 0.1  # share of a fold's training part that chooses the epoch and the weights


class Fold(BaseModel):
    """Scores on one fold; `weights` of encoder and SVM in their product."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    fold: int
    messages: int
    svm: Score
    encoder: Score
    combined: Score
    weights: tuple[float, ...]
    seconds: float


class Result(BaseModel):
    """All finished folds and, over them, the mean of every score."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    classes: tuple[str, ...]
    folds_planned: int
    settings: dict[str, object]
    folds: list[Fold]
    mean: dict[str, Score]


class Svm:
    """TF-IDF of character 1- to 3-grams and a linear SVM with C = 0.5."""

    def __init__(self, train: Sequence[Example], classes: int) -> None:
        self._vectors = TfidfVectorizer(
            analyzer="char", ngram_range=(1, 3), min_df=3, sublinear_tf=True
        )
        known: csr_matrix = self._vectors.fit_transform([e.body.text for e in train])
        self._model = LinearSVC(C=0.5, random_state=1).fit(known, [e.label for e in train])
        self._classes = classes

    def margins(self, asked: Sequence[Example]) -> Floats64:
        """Signed distances `[n, classes]`; a class that was never seen lies far away."""
        found = self._model.decision_function(self._vectors.transform([e.body.text for e in asked]))
        if found.ndim == 1:
            found = np.stack([-found, found], axis=1)
        margins = np.full((len(asked), self._classes), -10.0)
        margins[:, self._model.classes_] = found
        return margins


@dataclass(frozen=True, slots=True)
class Runner:
    """Measures the folds of a benchmark."""

    messages: Sequence[Example]
    settings: TrialSettings

    def fold(self, number: int, test: Indices, work: Path) -> Fold:
        """Train on all but `test`, an inner part held out for epoch and weights; score on it."""
        began = time.monotonic()
        asked = [self.messages[i] for i in test]
        rest = [self.messages[i] for i in np.setdiff1d(np.arange(len(self.messages)), test)]
        split = grouped_split(rest, _HELD, self.settings.seed)
        train, held = ([rest[i] for i in part] for part in (split.train, split.validation))
        if not held:
            raise InputFileError("too few messages to hold any out; use a larger benchmark")
        classes, labels = self.settings.classes, [e.label for e in asked]
        inner = Svm(train, classes).margins(held)
        final = Svm(rest, classes).margins(asked)
        log.info("fold %d: SVM macro-F1 %.4f", number, score(final, labels).macro_f1)
        inside, outside = trial(train, held, asked, self.settings, work)
        # The softmax of margins is a probability up to a temperature, which is part of the weight.
        weights = fit_pool([log_softmax(inside), log_softmax(inner)], [e.label for e in held])
        both = pooled([log_softmax(outside), log_softmax(final)], weights)
        result = Fold(
            fold=number, messages=len(asked), svm=score(final, labels),
            encoder=score(outside, labels), combined=score(both, labels), weights=weights,
            seconds=round(time.monotonic() - began, 1),
        )  # fmt: skip
        log.info("fold %d: encoder %.4f, combined %.4f, %.0f s", number, result.encoder.macro_f1,
                 result.combined.macro_f1, result.seconds)  # fmt: skip
        return result


def summarise(
    benchmark: Benchmark, planned: int, settings: dict[str, object], folds: list[Fold]
) -> Result:
    """The finished folds with their means."""
    mean = {}
    for system in SYSTEMS:
        scores: list[Score] = [getattr(fold, system) for fold in folds]
        mean[system] = Score(
            macro_f1=float(np.mean([s.macro_f1 for s in scores])),
            accuracy=float(np.mean([s.accuracy for s in scores])),
        )
    return Result(classes=benchmark.classes, folds_planned=planned, settings=settings,
                  folds=folds, mean=mean)  # fmt: skip


def show(result: Result, console: Console) -> None:
    """Print macro-F1 and accuracy of every fold and their means."""
    done, planned = len(result.folds), result.folds_planned
    title = f"{FILE}: macro-F1 / accuracy" + ("" if done == planned else f", {done} of {planned}")
    table = Table("fold", "messages", *_NAMES.values(), title=title, title_justify="left")

    def cells(scores: Sequence[Score]) -> list[str]:
        return [f"{s.macro_f1:.4f} / {s.accuracy:.4f}" for s in scores]

    for fold in result.folds:
        scores = [getattr(fold, system) for system in SYSTEMS]
        table.add_row(str(fold.fold), str(fold.messages), *cells(scores))
    total = str(sum(fold.messages for fold in result.folds))
    table.add_section()
    table.add_row("mean", total, *cells([result.mean[system] for system in SYSTEMS]))
    console.print(table)


def chosen_folds(text: str | None, folds: int) -> list[int]:
    """Numbers of the folds to measure, from `1,2`; all without a text.

    Raises:
        InputFileError: a number is no fold.
    """
    every = list(range(1, folds + 1))
    if text is None:
        return every
    wanted = {part.strip() for part in text.split(",")}
    if not wanted <= set(map(str, every)):
        raise InputFileError(f"--only-folds takes numbers from 1 to {folds}, such as 1,2")
    return [number for number in every if str(number) in wanted]


def measure(data: Path, base: Path, out: Path, *, folds: int, epochs: int, max_length: int,
            seed: int, only: str | None = None) -> Result:  # fmt: skip
    """Measure the folds that are not kept in `out` from before, and write `benchmark.json`.

    Raises:
        InputFileError: the benchmark cannot be read or is too small for so many folds.
        ValueError, OSError: see `load_encoder`.
    """
    wanted = chosen_folds(only, folds)
    benchmark = read_benchmark(data)
    messages = benchmark.messages
    settings = TrialSettings(base, epochs, max_length, seed, len(benchmark.classes))
    described = settings.described() | {"folds": folds, "data": file_hash(data / FILE)}
    groups = near_duplicate_groups([m.body.text for m in messages])
    parts = grouped_folds(groups, [m.label for m in messages], folds, seed)
    runner, kept = Runner(messages, settings), Kept(out, described)
    for number in wanted:
        kept.part(f"fold-{number}", Fold, partial(runner.fold, number, parts[number - 1]))
    done = [kept.find(f"fold-{number}", Fold) for number in range(1, folds + 1)]
    result = summarise(benchmark, folds, described, [fold for fold in done if fold is not None])
    text = json.dumps(result.model_dump(), ensure_ascii=False, indent=2)
    (out / "benchmark.json").write_text(text + "\n", encoding="utf-8")
    return result


def main(
    data: Annotated[Path, typer.Option(help=f"Directory with {FILE}.")],
    base: Annotated[str, typer.Option(help="Encoder to fine-tune: a directory or a hub id.")] = str(
        EMBEDDED
    ),
    folds: Annotated[int, typer.Option(min=2, help="Folds of the cross-validation.")] = 5,
    epochs: Annotated[int, typer.Option(min=1, help="Epochs of fine-tuning.")] = 2,
    max_length: Annotated[int, typer.Option(min=16, max=512, help="Tokens read.")] = 128,
    seed: Annotated[int, typer.Option(help="Seed of every random choice.")] = 1,
    only_folds: Annotated[str | None, typer.Option(help="Only these folds: 1,2.")] = None,
    out: Annotated[Path, typer.Option(help="Results and checkpoints.")] = Path("build/benchmark"),
) -> None:
    """Cross-validate on the public benchmark. Called again, it goes on where it stopped."""
    use_cores()
    start_logging(out / "benchmark.log")
    with plain_errors():
        result = measure(data, resolve_base(base), out, folds=folds, epochs=epochs,
                         max_length=max_length, seed=seed, only=only_folds)  # fmt: skip
    show(result, Console())
    log.info("written to %s", out / "benchmark.json")


if __name__ == "__main__":
    typer.run(main)
