from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from eval.data import read_labelled, truth_of
from eval.robustness import answer_converted, converted_figures
from eval.systems import FUSION, Predictions, analyse_all
from tests.eval.fakes import fake_pipeline, row, rows, write_rows


def _answers(choice: list[int], urgent: list[bool]) -> Predictions:
    given = np.array(choice)
    return Predictions(np.eye(4)[given], given, np.array(urgent) * 1.0, np.array(urgent))


def test_the_normaliser_makes_scripts_alike(tmp_path: Path) -> None:
    records = read_labelled(write_rows(tmp_path / "dev.jsonl", rows()))
    pipeline = fake_pipeline(tmp_path)
    steps: list[int] = []
    converted = answer_converted(pipeline, records, lambda: steps.append(1))
    assert len(steps) == len(records) == 12
    shipped = analyse_all(pipeline, records)[FUSION]
    figures = converted_figures(records, truth_of(records), shipped, converted)
    assert (figures.messages, figures.changed) == (12, 12)
    assert (figures.same_department, figures.same_urgency) == (1.0, 1.0)
    assert figures.macro_f1 == figures.macro_f1_as_received == 1.0


def test_shares_are_of_the_messages_that_change(tmp_path: Path) -> None:
    same = row(4, "civil", text="再次打工")  # the same in both scripts
    four = [
        row(n, d)
        for n, d in enumerate(("civil", "administrative", "public_interest", "complaints"))
    ]
    records = read_labelled(write_rows(tmp_path / "dev.jsonl", [*four, same]))
    shipped = _answers([0, 1, 2, 3, 0], [False] * 5)
    converted = _answers([0, 1, 2, 0, 0], [True, False, True, False, True])
    figures = converted_figures(records, truth_of(records), shipped, converted)
    assert (figures.messages, figures.changed) == (5, 4)
    assert (figures.same_department, figures.same_urgency) == (0.75, 0.5)
    assert figures.macro_f1_as_received == 1.0
    assert figures.macro_f1 == pytest.approx((4 / 5 + 1 + 1 + 0) / 4)


def test_nothing_changed_has_no_share(tmp_path: Path) -> None:
    records = read_labelled(write_rows(tmp_path / "dev.jsonl", [row(1, "civil", text="打工")]))
    answers = _answers([0], [False])
    figures = converted_figures(records, truth_of(records), answers, answers)
    assert (figures.changed, figures.same_department, figures.same_urgency) == (0, None, None)
