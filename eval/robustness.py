"""Whether the same message in other characters gets the same answer.

Real messages in traditional characters are too few to measure anything on, so the labelled ones
are converted by OpenCC and answered again. That shows whether the normaliser does its work; it
is no sample of how people write who use traditional characters.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from eval.compare import strict_macro_f1
from eval.data import Labelled, Truth
from eval.results import ConvertedFigures
from eval.script import in_traditional
from eval.systems import FUSION, Analyser, Predictions, analyse_all


def answer_converted(
    analyser: Analyser, records: Sequence[Labelled], step: Callable[[], None] = lambda: None
) -> Predictions:
    """The shipped decision on every message in traditional characters; `step` after each.

    Raises:
        InputFileError: a message cannot be classified.
    """
    return analyse_all(analyser, [in_traditional(record) for record in records], step)[FUSION]


def converted_figures(
    records: Sequence[Labelled], truth: Truth, shipped: Predictions, converted: Predictions
) -> ConvertedFigures:
    """The shipped answers beside those to the converted messages.

    Shares are of the messages that the conversion changes: the others agree of necessity.
    """
    changed = np.array([in_traditional(record).message != record.message for record in records])
    departments = (shipped.choice == converted.choice)[changed]
    urgency = (shipped.urgent == converted.urgent)[changed]
    return ConvertedFigures(
        messages=len(records),
        changed=int(changed.sum()),
        same_department=float(departments.mean()) if changed.any() else float("nan"),
        same_urgency=float(urgency.mean()) if changed.any() else float("nan"),
        macro_f1=strict_macro_f1(truth, converted),
        macro_f1_as_received=strict_macro_f1(truth, shipped),
    )
