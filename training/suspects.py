"""`python -m training.suspects`: labels that are probably wrong, for a person to look at again.

Confident learning (Northcutt, Jiang & Chuang 2021, by cleanlab) on out-of-fold probabilities.
"""

from __future__ import annotations

import csv
import json
import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Final

import numpy as np
import typer
from cleanlab.filter import find_label_issues
from cleanlab.rank import get_label_quality_scores
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from training.corpus import labelled_file, training_file
from training.data import Example, invented_nothing, read_uncached
from training.folds import grouped_folds
from training.linear_fit import fit_linear, linear_text
from training.runtime import log, plain_errors, start_logging
from training.split import near_duplicate_groups
from triage.errors import InputFileError
from triage.fusion import Floats64, log_softmax
from triage.labels import CLASSES

COLUMNS: Final = ("rank", "id", "split", "given", "suggested", "self_confidence", "margin")


@dataclass(frozen=True, slots=True)
class Labelled:
    """A message of `train` or `dev`."""

    split: str
    example: Example


@dataclass(frozen=True, slots=True)
class Suspect:
    """A label that is probably wrong.

    `self_confidence` is the probability of the given label, `margin` that minus the probability
    of the suggested one, brought to 0 … 1: both are low where the label is doubtful.
    """

    rank: int
    message: Labelled
    suggested: str
    self_confidence: float
    margin: float

    def row(self) -> dict[str, str | int | float]:
        """The columns of the table: ids and labels, never a text."""
        example = self.message.example
        given, split = CLASSES[example.label], self.message.split
        figures = (round(self.self_confidence, 6), round(self.margin, 6))
        values = (self.rank, example.id, split, given, self.suggested, *figures)
        return dict(zip(COLUMNS, values, strict=True))


def read_messages(data: Path) -> list[Labelled]:
    """The messages of `train` and, where there is one, of `dev`.

    Raises:
        InputFileError: there is no training file, or a file cannot be read.
    """
    files = {"train": training_file(data), "dev": labelled_file(data, "dev")}
    return [
        Labelled(split, example)
        for split, file in files.items()
        if file is not None
        for example in read_uncached(file)
    ]


def _probabilities(known: Sequence[Example], asked: Sequence[Example], seed: int) -> Floats64:
    # Urgency is not asked for: without it the fit takes a third less time.
    model = fit_linear([replace(e, urgent=False) for e in known], seed=seed)
    return np.exp(log_softmax(np.stack([model.predict(linear_text(e)).classes for e in asked])))


def out_of_fold(messages: Sequence[Labelled], folds: int, seed: int) -> Floats64:
    """Probabilities `[n, 5]` by linear voices that saw neither a message nor its near-duplicates.

    Messages of `dev` are judged by a voice fitted on `train` alone.

    Raises:
        InputFileError: there are too few messages for so many folds.
    """
    examples = [m.example for m in messages]
    groups = np.array(near_duplicate_groups([e.body.text for e in examples]))
    train = np.array([i for i, m in enumerate(messages) if m.split == "train"], dtype=np.int64)
    dev = np.setdiff1d(np.arange(len(messages)), train)
    labels = [examples[i].label for i in train]
    parts = [train[part] for part in grouped_folds(list(groups[train]), labels, folds, seed)]
    found = np.zeros((len(messages), len(CLASSES)))
    for number, asked in enumerate([*parts, dev], start=1):
        if not len(asked):
            continue
        # Near-duplicates of `dev` in `train` would vouch for each other's labels, too.
        unseen = np.isin(groups[train], groups[asked], invert=True)
        known = [examples[i] for i in train[unseen]]
        found[asked] = _probabilities(
            [*known, *invented_nothing()], [examples[i] for i in asked], seed
        )
        log.info("part %d of %d: %d messages judged", number, folds + bool(len(dev)), len(asked))
    return found


def read_probabilities(path: Path, messages: Sequence[Labelled]) -> tuple[list[Labelled], Floats64]:
    """The messages that an `.npz` file of `ids` `[n]` and `probabilities` `[n, 5]` knows.

    Raises:
        InputFileError: the file is damaged or of another form, or knows none of the messages.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            ids, values = arrays["ids"], arrays["probabilities"].astype(np.float64)
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise InputFileError(f"{path} is no .npz file with ids and probabilities") from error
    if values.shape != (len(ids), len(CLASSES)) or len(set(ids.tolist())) != len(ids):
        raise InputFileError(f"{path} needs distinct ids and {len(CLASSES)} columns, one row an id")
    if not (values >= 0).all() or not np.allclose(values.sum(axis=1), 1, atol=1e-3):
        raise InputFileError(f"{path} holds rows that are no probabilities; they must sum to 1")
    at = {str(name): row for row, name in enumerate(ids)}
    known = [m for m in messages if m.example.id in at]
    if not known:
        raise InputFileError(f"{path} holds no id of the labelled messages")
    if len(known) < len(messages):
        log.warning("%d messages without probabilities left out", len(messages) - len(known))
    return known, values[[at[m.example.id] for m in known]]


def find_suspects(messages: Sequence[Labelled], probabilities: Floats64) -> list[Suspect]:
    """All suspects, the most suspicious first (by margin), of messages judged out of sample."""
    labels: NDArray[np.int64] = np.array([m.example.label for m in messages])
    # cleanlab wants classes without gaps: one that no label names is never suggested.
    used = np.unique(labels)
    if len(used) < 2:
        raise InputFileError("all labels are the same; there is nothing to compare")
    among = probabilities[:, used].clip(1e-12)
    among /= among.sum(axis=1, keepdims=True)
    given = np.searchsorted(used, labels)
    with warnings.catch_warnings():
        # Of a class with a single message none is ever flagged.
        warnings.filterwarnings("ignore", "May not flag all label issues", UserWarning)
        flagged = find_label_issues(given, among, filter_by="prune_by_noise_rate", n_jobs=1)
    confidence = get_label_quality_scores(given, among, method="self_confidence")
    margin = get_label_quality_scores(given, among, method="normalized_margin")
    order = [int(i) for i in np.argsort(margin, kind="stable") if flagged[i]]
    return [
        Suspect(rank, messages[i], CLASSES[used[among[i].argmax()]],
                float(confidence[i]), float(margin[i]))
        for rank, i in enumerate(order, start=1)
    ]  # fmt: skip


def write(suspects: Sequence[Suspect], out: Path, *, with_texts: bool) -> None:
    """Write `suspects.csv`; with texts also `suspects.jsonl`, else remove an old one."""
    out.mkdir(parents=True, exist_ok=True)
    with (out / "suspects.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, COLUMNS)
        table.writeheader()
        table.writerows(suspect.row() for suspect in suspects)
    texts = out / "suspects.jsonl"
    if not with_texts:
        texts.unlink(missing_ok=True)
        return
    with texts.open("w", encoding="utf-8") as file:
        for suspect in suspects:
            example = suspect.message.example
            title = example.title.original if example.title else None
            row = suspect.row() | {"title": title, "text": example.body.original}
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


def _show(suspects: Sequence[Suspect], listed: int, console: Console) -> None:
    title = f"{len(suspects)} probable label errors, {listed} listed"
    table = Table("split", "given", "suggested", title=title, title_justify="left")
    table.add_column("count", justify="right")
    counts = Counter(
        (s.message.split, CLASSES[s.message.example.label], s.suggested) for s in suspects
    )
    for (split, given, suggested), count in counts.most_common():
        table.add_row(split, given, suggested, str(count))
    console.print(table)


def main(
    data: Annotated[Path, typer.Option(help="Directory with labelled/train.jsonl.")],
    out: Annotated[Path, typer.Option(help="Where the list goes.")] = Path("build/suspects"),
    top: Annotated[int, typer.Option(min=1, help="How many to list.")] = 100,
    folds: Annotated[int, typer.Option(min=2, help="Folds of the cross-validation.")] = 5,
    seed: Annotated[int, typer.Option(help="Seed of the folds.")] = 1,
    probabilities: Annotated[
        Path | None,
        typer.Option(help="Other out-of-sample predictions: .npz with ids and probabilities."),
    ] = None,
    with_texts: Annotated[
        bool, typer.Option(help="Write the texts, too; keep that file where messages may be kept.")
    ] = False,
) -> None:
    """List labels that are probably wrong. A suspicion is no proof: a person decides."""
    start_logging(out / "suspects.log")
    with plain_errors():
        messages = read_messages(data)
        if probabilities is None:
            judged = out_of_fold(messages, folds, seed)
        else:
            messages, judged = read_probabilities(probabilities, messages)
        suspects = find_suspects(messages, judged)
    write(suspects[:top], out, with_texts=with_texts)
    _show(suspects, min(top, len(suspects)), Console())
    log.info("written to %s", out)


if __name__ == "__main__":
    typer.run(main)
