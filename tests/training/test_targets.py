"""What fine-tuning learns: soft labels, a teacher's share, second readings, hidden words."""

from __future__ import annotations

import csv
import lzma
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.training.invented import write_data
from training.annotations import FILE, read_annotations, read_beyond, reread
from training.batching import hide
from training.calibrate import conformal_threshold, recall_threshold, review_threshold
from training.data import Example, Row, example_of, invented
from training.losses import TargetSettings, labelled_targets
from training.messages import read_messages
from training.split import apart
from triage.labels import CLASSES, DEPARTMENTS, REASONS
from triage.types import Department


def example(department: str = "civil", **fields: object) -> Example:
    made = example_of(
        Row.model_validate({"id": "a", "text": "老板欠薪", "department": department} | fields)
    )
    assert made is not None
    return made


def test_doubt_moves_mass_to_the_second_department() -> None:
    settings = TargetSettings(smoothing=0.0, second_share=0.1)
    sure, unsure = example(second="complaints", sure=3), example(second="complaints", sure=1)
    classes = labelled_targets([sure, unsure], settings).classes
    first, second = CLASSES.index("civil"), CLASSES.index("complaints")
    assert classes[:, first] == pytest.approx([0.9, 0.7])
    assert classes[:, second] == pytest.approx([0.1, 0.3])
    assert classes.sum(axis=1) == pytest.approx(1)


def test_a_teacher_is_blended_in_and_speaks_alone_for_unlabelled_messages() -> None:
    settings = TargetSettings(smoothing=0.0)
    labels = labelled_targets([example(urgent=True)], settings)
    teacher = labelled_targets([example("complaints"), example("administrative")], settings)
    of_labelled, beyond = teacher.split(1)
    joined = labels.blended(of_labelled, 0.25).followed_by(beyond)
    assert joined.classes[0, CLASSES.index("civil")] == pytest.approx(0.75)
    assert joined.urgent.tolist() == [0.75, 0.0]
    assert joined.classes[1].argmax() == CLASSES.index("administrative")


def test_hidden_tokens_are_never_special_ones() -> None:
    ids = np.tile(np.array([2, 40, 41, 3, 42, 3, 0]), (500, 1))
    shown = hide(ids, 0.3, 4, np.random.default_rng(0))
    assert (shown[:, [0, 3, 5, 6]] == ids[:, [0, 3, 5, 6]]).all()
    assert 0.25 < (shown[:, [1, 2, 4]] == 4).mean() < 0.35
    assert (hide(ids, 0.0, 4, np.random.default_rng(0)) == ids).all()


def test_readings_that_differ_stand_side_by_side(tmp_path: Path) -> None:
    (tmp_path / "unlabelled").mkdir()
    with lzma.open(tmp_path / "unlabelled" / "messages.jsonl.xz", "wt", encoding="utf-8") as file:
        file.write('{"id": "u1", "title": null, "text": "水管漏水"}\n{"id": "u2", "text": "x"}\n')
    table = tmp_path / "annotations.csv"
    table.write_text(
        "id,department,second,urgent,reasons,sure\n"
        "same,civil,,0,,3\ndiffers,civil,,1,livelihood,2\nu1,civil,,1,livelihood;deadline,1\n",
        encoding="utf-8",
    )
    base = example()
    known = [replace(base, id=name) for name in ("same", "differs", "alone")]
    readings = read_annotations(table)
    found = reread(known, readings) + read_beyond(tmp_path, readings)
    assert [(e.id, e.urgent, e.contested) for e in found] == [
        ("same", False, False), ("differs", False, True), ("differs", True, True),
        ("alone", False, False), ("u1", True, False),
    ]  # fmt: skip
    assert [r for r, yes in zip(REASONS, found[-1].reasons, strict=True) if yes] == [
        "deadline", "livelihood",
    ]  # fmt: skip


def test_the_shipped_readings_hold_labels_only() -> None:
    with FILE.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert len({row["id"] for row in rows}) == len(rows) > 2_000
    assert set(rows[0]) == {"id", "department", "second", "urgent", "reasons", "sure"}
    assert all(bool(row["reasons"]) == (row["urgent"] == "1") for row in rows)


def test_invented_messages_cover_every_reason_and_department() -> None:
    made = invented()
    assert np.array([e.reasons for e in made]).sum(axis=0).min() >= 15
    calm = [e for e in made if not e.urgent]
    assert len(calm) >= 80
    for part in (calm, [e for e in made if e.urgent]):
        assert {DEPARTMENTS[e.label] for e in part} == set(Department)


def test_thresholds_reach_their_aims() -> None:
    rng = np.random.default_rng(0)
    confidence = rng.random(2_000)
    right = rng.random(2_000) < 0.8 + 0.2 * confidence
    chosen = review_threshold(confidence, right, 0.95)
    # A margin of two standard errors for other messages.
    assert right[confidence >= chosen].mean() > 0.95
    scores, positive = rng.random(500), np.arange(500) < 100
    found = (scores[positive] >= recall_threshold(scores, positive, 0.9)).mean()
    assert 0.9 <= found <= 0.91


def test_a_set_misses_the_right_department_once_in_twenty() -> None:
    rng = np.random.default_rng(0)
    threshold = conformal_threshold(rng.beta(5, 1, 4_000), 0.95)
    assert (rng.beta(5, 1, 20_000) >= threshold).mean() == pytest.approx(0.95, abs=0.01)
    assert conformal_threshold(np.array([0.9, 0.8]), 0.95) == 0.0


def test_what_is_learnt_beside_the_labels(tmp_path: Path) -> None:
    data = write_data(tmp_path / "data")
    (data / "unlabelled").mkdir()
    known = next(iter(read_annotations()))
    with lzma.open(data / "unlabelled" / "messages.jsonl.xz", "wt", encoding="utf-8") as file:
        file.write(
            f'{{"id": "{known}", "text": "单位一直不给交公积金"}}\n{{"id": "?", "text": "x"}}\n'
        )
    plain = read_messages(data, tmp_path / "cache", 0.15, labels_only=True)
    grown = read_messages(data, tmp_path / "cache", 0.15)
    assert [e.id for e in grown.validation] == [e.id for e in plain.validation]
    ids = {e.id for e in plain.train}
    assert {e.id for e in grown.train} == ids | {known} | {e.id for e in invented()}


def test_nothing_like_a_held_message_is_trained_on() -> None:
    held = Row(id="h", text="我在工地干了三个月，老板拖欠工资八千元，一直不给", department="civil")
    alike = held.model_copy(update={"id": "a", "text": held.text + "。"})
    other = held.model_copy(update={"id": "o", "text": "楼上卫生间漏水把我家天花板泡了"})
    messages = [e for row in (held, alike, other) if (e := example_of(row)) is not None]
    assert [e.id for e in apart(messages[1:], messages[:1])] == ["o"]
