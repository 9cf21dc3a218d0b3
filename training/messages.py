"""Which messages are trained on, which validate, and which only measure."""

from __future__ import annotations

from pathlib import Path
from typing import Final, NamedTuple

from training.annotations import read_annotations, read_beyond, reread
from training.corpus import labelled_file, training_file
from training.data import Example, invented, invented_nothing, read_labelled
from training.split import apart, grouped_split

# The same messages validate whatever seed a training has: bundles are compared on them.
_SPLIT_SEED: Final = 1


class Messages(NamedTuple):
    """Messages to train on and to validate with, and the development set (may be empty)."""

    train: list[Example]
    validation: list[Example]
    dev: list[Example]


def read_messages(data: Path, cache: Path, share: float, *,
                  labels_only: bool = False) -> Messages:  # fmt: skip
    """The messages below `data`, with a `share` of the labelled ones to validate.

    Invented messages with nothing to handle count as labelled. Readings of unlabelled messages and
    invented messages of departments are learnt beside them, unless `labels_only`, and never
    validate. A label that a second reading disputes does not validate either.

    Raises:
        InputFileError: a file is missing or a row does not fit.
    """
    file = labelled_file(data, "dev")
    dev = read_labelled(file, cache) if file else []
    labelled = read_labelled(training_file(data), cache) + invented_nothing()
    # Split first: the same messages validate, whatever is read or invented beside them.
    split = grouped_split(labelled, share, _SPLIT_SEED)
    readings = read_annotations()
    held = reread([labelled[i] for i in split.validation], readings)
    train = [labelled[i] for i in split.train]
    if not labels_only:
        train = reread(train, readings)
        train += apart(read_beyond(data, readings), [*held, *dev])
        train += invented()
    # A label that two readings differ on measures nothing.
    return Messages(train, [example for example in held if not example.contested], dev)
