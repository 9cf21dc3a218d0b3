from __future__ import annotations

import json
import re
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from eval.__main__ import write
from eval.baseline import baseline
from eval.console import show
from eval.data import read_labelled
from eval.results import Report
from eval.robustness import answer_converted
from eval.run import Mistake, Subject, evaluate, mistakes
from eval.systems import BASELINE, FUSION, MODEL, RULES, analyse_all
from tests.eval.fakes import RUNTIME, SECRET, fake_pipeline, manifest, row, rows, write_rows
from triage.errors import InputFileError

FILES = {"model.onnx": 9_000_000, "manifest.json": 2_000}
MISTAKEN = row(
    100,
    "complaints",
    title="请看<b>标题</b>",
    text=f"欠款，十分危险 <script>alert(1)</script> {SECRET}",
    urgent=1,
    reasons=["life_safety"],
)
MISSED = row(101, "civil", urgent=1, reasons=["deadline"])


def _evaluated(folder: Path) -> tuple[Report, list[Mistake]]:
    path = write_rows(folder / "labelled" / "dev.jsonl", [*rows(), MISTAKEN, MISSED])
    train = write_rows(folder / "labelled" / "train.jsonl", rows(5))
    records = read_labelled(path)
    pipeline = fake_pipeline(folder, conformal=0.05)
    systems = analyse_all(pipeline, records)
    systems[BASELINE] = baseline(train, path, folder / "cache")
    subject = Subject(path, pipeline.versions, manifest(0.05).thresholds, FILES)
    converted = answer_converted(pipeline, records)
    report = evaluate(subject, records, systems, lambda: RUNTIME, converted=converted)
    return report, mistakes(records, systems[FUSION])


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory: pytest.TempPathFactory) -> tuple[Report, list[Mistake]]:
    return _evaluated(tmp_path_factory.mktemp("eval"))


def test_systems_are_told_apart(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "dev.jsonl", [*rows(), MISTAKEN])
    steps: list[int] = []
    records = read_labelled(path)
    systems = analyse_all(fake_pipeline(tmp_path), records, lambda: steps.append(1))
    assert list(systems) == [RULES, MODEL, FUSION]
    assert len(steps) == len(records)
    for system in systems.values():
        assert system.probabilities.sum(axis=1) == pytest.approx(1.0)
    model = systems[MODEL]
    assert model.choice.tolist() == [0, 1, 2, 3] * 3 + [0]
    assert model.urgent.tolist() == [False] * 12 + [True]
    assert model.reasons is not None
    assert model.reasons[12].tolist() == [True] + [False] * 6
    # The fake has temperature 2, so that its four points count as two.
    assert model.confidence[0] == pytest.approx(np.exp(2) / (np.exp(2) + 3))
    assert systems[FUSION].confidence[0] == pytest.approx(np.exp(4) / (np.exp(4) + 3))
    assert systems[FUSION].routed is not None


def test_a_message_that_cannot_be_classified_is_named(tmp_path: Path) -> None:
    records = read_labelled(write_rows(tmp_path / "dev.jsonl", [row(1, "civil", text="  ")]))
    with pytest.raises(InputFileError, match="message m1: the text is blank"):
        analyse_all(fake_pipeline(tmp_path), records)


def test_figures_of_the_fake(evaluated: tuple[Report, list[Mistake]]) -> None:
    report, wrong = evaluated
    figures = {system.name: system for system in report.systems}
    assert set(figures) == {RULES, MODEL, FUSION, BASELINE}
    fusion = figures[FUSION].departments
    assert fusion.accuracy == pytest.approx(13 / 14)
    assert fusion.classes["complaints"].recall == 0.75
    assert fusion.macro_f1.low <= fusion.macro_f1.value <= fusion.macro_f1.high
    assert figures[FUSION].urgent.reasons["life_safety"].named == 1.0
    assert [(c.system, c.other) for c in report.comparisons] == [
        (FUSION, RULES), (FUSION, MODEL), (FUSION, BASELINE), (MODEL, BASELINE),
    ]  # fmt: skip
    assert [m.record.id for m in wrong] == ["m100", "m101"]
    by_source = {s.value: s.messages for s in report.slices if s.group == "source"}
    assert by_source == {"board": 7, "desk": 7}
    assert {s.value: s.messages for s in report.slices if s.group == "script"} == {"simplified": 14}


def test_sets_are_reported_where_the_bundle_is_calibrated(
    evaluated: tuple[Report, list[Mistake]], tmp_path: Path
) -> None:
    report, _ = evaluated
    assert report.thresholds["conformal"] == 0.05
    sets = {system.name: system.sets for system in report.systems}
    assert sets[MODEL] is sets[RULES] is sets[BASELINE] is None
    shipped = sets[FUSION]
    assert shipped is not None
    # The fake is sure: one department each, and the wrong one for one message of 14.
    assert (shipped.messages, shipped.mean_size, shipped.singletons) == (14, 1.0, 1.0)
    assert shipped.coverage.value == pytest.approx(13 / 14)

    path = write_rows(tmp_path / "dev.jsonl", rows())
    plain = analyse_all(fake_pipeline(tmp_path), read_labelled(path))
    assert plain[FUSION].sets is None


def test_without_run_time_only_the_size_is_held_to_the_budget(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "dev.jsonl", rows())
    records, pipeline = read_labelled(path), fake_pipeline(tmp_path)
    subject = Subject(path, pipeline.versions, manifest().thresholds, FILES)
    report = evaluate(subject, records, analyse_all(pipeline, records))
    assert [f.name for f in report.budget] == ["bundle on disk"]
    assert report.converted is None
    assert "conformal" not in report.thresholds
    write(report, [], tmp_path)
    page = (tmp_path / "report.html").read_text("utf-8")
    assert "Time and memory were not measured" in page
    assert "Traditional characters" not in page
    assert "Sets of departments" not in page
    show(report, Console(width=200, file=StringIO()))


def test_json_and_terminal_hold_no_text(
    evaluated: tuple[Report, list[Mistake]], tmp_path: Path
) -> None:
    write(*evaluated, tmp_path)
    written = (tmp_path / "report.json").read_text("utf-8")
    console = Console(record=True, width=200, file=StringIO())
    show(evaluated[0], console)
    printed = console.export_text()
    for text in (written, printed):
        assert SECRET not in text
        assert "欠款" not in text
        assert "m100" not in text
    assert Report.model_validate(json.loads(written)).messages == 14
    assert "macro-F1" in printed
    for line in (
        "✓ within budget",
        "✗ OVER BUDGET",
        "11.50 ms",
        "OpenCC, not natural",
        "mean size 1.00",
        "model.onnx 9.00",
    ):
        assert line in printed


def test_page_stands_alone_and_shows_the_errors(
    evaluated: tuple[Report, list[Mistake]], tmp_path: Path
) -> None:
    write(*evaluated, tmp_path)
    page = (tmp_path / "report.html").read_text("utf-8")
    assert not re.search(r"https?://|//[a-z]+\.|<script|<link|<iframe|@import|url\(", page)
    assert not re.search(r"\b(src|href)=", page)
    assert page.count("<svg") == 2
    assert page.count(SECRET) == 2
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "请看&lt;b&gt;标题&lt;/b&gt;" in page
    for word in ("民事检察", "控告申诉检察", "危及生命安全", "漏报", "Confusion", "1.10 s",
                 "✓ within", "✗ over", "≤ 16 MB", "158 to 163 tokens", "not natural text",
                 "Sets of departments", "9.000"):  # fmt: skip
        assert word in page
    assert ">nan" not in page


def test_two_evaluations_agree(evaluated: tuple[Report, list[Mistake]], tmp_path: Path) -> None:
    again, _ = _evaluated(tmp_path)
    same = {"created", "versions"}
    assert again.model_dump(exclude=same) == evaluated[0].model_dump(exclude=same)


def test_only_contested_messages_are_refused(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "dev.jsonl", [row(1, "civil", second="none", contested=True)])
    records = read_labelled(path)
    pipeline = fake_pipeline(tmp_path)
    subject = Subject(path, pipeline.versions, manifest().thresholds, {})
    with pytest.raises(InputFileError, match="every message is contested"):
        evaluate(subject, records, analyse_all(pipeline, records))
