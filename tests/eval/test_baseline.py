from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from eval.baseline import baseline
from tests.eval.fakes import row, rows, write_rows
from triage.errors import InputFileError


def _urgent(number: int) -> dict[str, object]:
    return row(number, "civil", text="欠款，现在十分危险", urgent=1, reasons=["life_safety"])


def test_learns_departments_and_urgency_and_keeps_the_answers(tmp_path: Path) -> None:
    train = write_rows(tmp_path / "train.jsonl", [*rows(5), *map(_urgent, range(50, 55))])
    test = write_rows(tmp_path / "dev.jsonl", [*rows(1), _urgent(90)])
    cache = tmp_path / "cache"
    first = baseline(train, test, cache)
    assert first.choice.tolist() == [0, 1, 2, 3, 0]
    assert first.urgent_score.argmax() == 4
    assert first.probabilities.sum(axis=1) == pytest.approx(1.0)

    (stored,) = cache.iterdir()
    written = stored.stat().st_mtime_ns
    second = baseline(train, test, cache)
    assert np.array_equal(first.probabilities, second.probabilities)
    assert np.array_equal(first.urgent_score, second.urgent_score)
    assert stored.stat().st_mtime_ns == written


def test_other_data_is_fitted_anew_and_a_damaged_store_is_replaced(tmp_path: Path) -> None:
    train = write_rows(tmp_path / "train.jsonl", rows(5))
    test = write_rows(tmp_path / "dev.jsonl", rows(1))
    cache = tmp_path / "cache"
    first = baseline(train, test, cache)
    (stored,) = cache.iterdir()
    stored.write_bytes(b"PK no archive")
    assert np.array_equal(baseline(train, test, cache).probabilities, first.probabilities)
    write_rows(train, rows(6))
    baseline(train, test, cache)
    assert len(list(cache.iterdir())) == 2


def test_train_must_be_there_and_have_two_departments(tmp_path: Path) -> None:
    test = write_rows(tmp_path / "dev.jsonl", rows(1))
    with pytest.raises(InputFileError, match="is missing"):
        baseline(tmp_path / "train.jsonl", test, tmp_path / "cache")
    train = write_rows(tmp_path / "train.jsonl", [row(1, "civil")])
    with pytest.raises(InputFileError, match="one department only"):
        baseline(train, test, tmp_path / "cache")
