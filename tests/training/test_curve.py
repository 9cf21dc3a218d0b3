"""The learning curve: nested subsets without split copies, both voices, a plot, resumed."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import torch

from tests.training.checkpoint import write_checkpoint
from tests.training.commands import invoke
from tests.training.invented import rows, write_data
from training.curve import ENCODER, LINEAR, SHARES, Curve, interval, learn, main
from training.data import read_labelled
from training.folds import nested_subsets
from training.measure import strict
from training.plots import plot_curve
from training.trial import TrialSettings
from triage.errors import InputFileError

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_data(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> TrialSettings:
    base = write_checkpoint(tmp_path_factory.mktemp("base"), [str(r["text"]) for r in rows()])
    return TrialSettings(base, epochs=2, max_length=32, seed=1)


@pytest.fixture(scope="module")
def learnt(
    data: Path, settings: TrialSettings, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Curve]:
    torch.set_num_threads(1)
    out = tmp_path_factory.mktemp("out")
    return out, learn(data, out, seed=1, encoder=settings)


def test_both_voices_are_measured_at_every_share(learnt: tuple[Path, Curve]) -> None:
    out, curve = learnt
    for voice in (LINEAR, ENCODER):
        points = [p for p in curve.points if p.voice == voice]
        assert [p.share for p in points] == list(SHARES)
        counts = [p.messages for p in points]
        assert counts == sorted(counts)
        assert counts[-1] == 340
        assert all(p.low <= p.macro_f1 + 1e-9 and p.macro_f1 <= p.high + 1e-9 for p in points)
    linear = [p.macro_f1 for p in curve.points if p.voice == LINEAR]
    assert linear[-1] > 0.95
    assert Curve.model_validate_json((out / "curve.json").read_bytes()) == curve


def test_the_plot_shows_both_voices(learnt: tuple[Path, Curve]) -> None:
    text = (learnt[0] / "curve.svg").read_text(encoding="utf-8")
    assert ElementTree.fromstring(text).tag.endswith("svg")
    assert LINEAR in text
    assert ENCODER in text
    assert "340" in text


def test_no_text_lies_beside_the_figures(learnt: tuple[Path, Curve]) -> None:
    texts = [str(row["text"])[:12].encode() for row in rows()]
    files = [file for file in learnt[0].rglob("*") if file.is_file()]
    assert files
    assert not any(text in file.read_bytes() for file in files for text in texts)


def test_the_same_points_make_the_same_plot(tmp_path: Path) -> None:
    lines = {"one": [(10, 0.5, 0.4, 0.6), (20, 0.6, 0.5, 0.7)], "two": [(10, 0.4, 0.3, 0.41)]}
    for name in ("a.svg", "b.svg"):
        plot_curve(lines, "title", tmp_path / name)
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


def test_finished_points_are_kept(
    learnt: tuple[Path, Curve], data: Path, settings: TrialSettings
) -> None:
    out, curve = learnt
    assert not list(out.rglob("finetune.pt"))
    # Points measured anew would take other seconds; that the encoder is left out changes none.
    quick = learn(data, out, seed=1, encoder=None)
    assert quick.points == curve.points[: len(SHARES)]
    assert learn(data, out, seed=1, encoder=settings) == curve


def test_other_settings_are_measured_anew(
    learnt: tuple[Path, Curve], data: Path, settings: TrialSettings
) -> None:
    out, curve = learnt
    longer = learn(data, out, seed=1, encoder=replace(settings, epochs=8), shares=(1.0,))
    assert longer.points[0] == curve.points[len(SHARES) - 1]
    assert longer.points[1].macro_f1 > curve.points[-1].macro_f1


def test_subsets_are_nested_and_keep_copies_together() -> None:
    texts = [
        f"{chr(0x4E00 + 5 * i)}{i:04d}{'一二三四五六'[i % 6]}{i * 7919}号来信" for i in range(200)
    ]
    texts += [f"{text}。" for text in texts]
    subsets = nested_subsets(texts, (0.125, 0.25, 0.5, 1.0), seed=3)
    for small, large in pairwise(subsets):
        assert set(small) < set(large)
    assert len(subsets[-1]) == 400
    for share, subset in zip((0.125, 0.25, 0.5), subsets, strict=False):
        assert 400 * share <= len(subset) <= 400 * share + 20
        chosen = set(subset)
        assert all((i in chosen) == (i + 200 in chosen) for i in range(200))
    again = nested_subsets(texts, (0.125,), seed=3)
    assert (again[0] == subsets[0]).all()
    assert set(nested_subsets(texts, (0.125,), seed=4)[0]) != set(subsets[0])


def test_contested_and_empty_messages_do_not_count(tmp_path: Path) -> None:
    made = [row | {"contested": False} for row in rows()[:3]]
    made[0]["contested"] = True
    made[1]["department"] = "none"
    file = tmp_path / "dev.jsonl"
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in made)
    file.write_text(lines, encoding="utf-8")
    assert [e.id for e in strict(read_labelled(file, tmp_path))] == [made[2]["id"]]


def test_the_interval_covers_the_score_and_narrows() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(4, size=400)
    scores = rng.normal(size=(400, 4))
    scores[np.arange(400), labels] += 1.5
    wide, narrow = interval(scores[:50], list(labels[:50]), 1), interval(scores, list(labels), 1)
    assert narrow[1] - narrow[0] < wide[1] - wide[0]
    assert interval(scores, list(labels), 1) == narrow


def test_the_quick_command(data: Path, tmp_path: Path) -> None:
    result = invoke(main, ["--data", str(data), "--no-encoder", "--out", str(tmp_path)])
    assert result.exit_code == 0, result.output
    assert LINEAR in result.output
    assert ENCODER not in (tmp_path / "curve.svg").read_text(encoding="utf-8")


def test_without_dev_there_is_no_curve(data: Path, tmp_path: Path) -> None:
    (tmp_path / "labelled").mkdir()
    train = (data / "labelled" / "train.jsonl").read_bytes()
    (tmp_path / "labelled" / "train.jsonl").write_bytes(train)
    with pytest.raises(InputFileError, match="dev"):
        learn(tmp_path, tmp_path / "out", seed=1, encoder=None)
