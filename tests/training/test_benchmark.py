"""The public benchmark: folds without leaks, the SVM, the encoder and both, resumed when broken."""

from __future__ import annotations

import itertools
import json
import lzma
from pathlib import Path

import numpy as np
import pytest
import torch
from rich.console import Console

from tests.training.checkpoint import write_checkpoint
from tests.training.commands import invoke
from training.benchmark import Result, Svm, chosen_folds, main, measure, show
from training.folds import grouped_folds
from training.pool import fit_pool, pooled
from training.split import near_duplicate_groups
from training.tipdm import FILE, read_benchmark
from triage.errors import InputFileError
from triage.fusion import log_softmax

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
OPTIONS = {"folds": 3, "epochs": 1, "max_length": 32, "seed": 1}
_PLACES = ["东", "西", "南", "北", "中", "前", "后", "左", "右", "上"]
_MATTERS = {
    "城乡建设": "小区违建挡住采光", "劳动和社会保障": "单位拖欠工资社保", "教育文体": "学校补课收取费用",
    "商贸旅游": "超市出售过期食品", "环境保护": "化工厂偷排污水废气", "卫生计生": "医院乱收挂号费用",
    "交通运输": "公交线路班次太少",
}  # fmt: skip


def messages() -> list[dict[str, str]]:
    return [
        {"id": f"{label}-{a}{b}", "label": label, "text": f"{a}区{b}街居民来信反映{matter}"}
        for label, matter in _MATTERS.items()
        for a, b in itertools.product(_PLACES[:3], _PLACES)
    ]


def write_benchmark(data: Path, rows: list[dict[str, str]]) -> Path:
    (data / FILE).parent.mkdir(parents=True, exist_ok=True)
    with lzma.open(data / FILE, "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    return data


def distinct(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    """The rows' matters with rare characters between, so that no two are near-duplicates."""
    return [
        row
        | {"text": "".join(f"{c}{chr(0x4E00 + 7 * i + n)}" for n, c in enumerate(row["text"][11:]))}
        for i, row in enumerate(rows)
    ]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_benchmark(tmp_path_factory.mktemp("data"), distinct(messages()))


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_checkpoint(tmp_path_factory.mktemp("base"), [r["text"] for r in messages()])


@pytest.fixture(scope="module")
def measured(
    data: Path, base: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Result]:
    torch.set_num_threads(1)
    out = tmp_path_factory.mktemp("out")
    return out, measure(data, base, out, **OPTIONS)


def test_all_systems_are_measured_on_every_message_once(measured: tuple[Path, Result]) -> None:
    out, result = measured
    assert [fold.fold for fold in result.folds] == [1, 2, 3]
    assert sum(fold.messages for fold in result.folds) == 210
    assert len(result.classes) == 7
    assert result.mean["svm"].macro_f1 > 0.9
    for system in ("svm", "encoder", "combined"):
        scores = [getattr(fold, system).macro_f1 for fold in result.folds]
        assert result.mean[system].macro_f1 == pytest.approx(sum(scores) / 3)
        assert all(0 <= value <= 1 for value in scores)
    assert Result.model_validate_json((out / "benchmark.json").read_bytes()) == result


def test_an_untrained_encoder_does_not_spoil_the_product(measured: tuple[Path, Result]) -> None:
    result = measured[1]
    assert result.mean["combined"].accuracy >= result.mean["svm"].accuracy - 0.02
    assert all(fold.weights[1] > fold.weights[0] for fold in result.folds)


def test_the_encoder_learns_seven_classes(data: Path, base: Path, tmp_path: Path) -> None:
    longer = OPTIONS | {"epochs": 10}
    result = measure(data, base, tmp_path, **longer, only="1")
    assert result.mean["encoder"].accuracy > 0.6


def test_finished_folds_are_kept_and_give_the_same(
    measured: tuple[Path, Result], data: Path, base: Path
) -> None:
    out, result = measured
    assert not list(out.rglob("finetune.pt"))
    # A fold that ran again would take other seconds.
    assert measure(data, base, out, **OPTIONS) == result


def test_folds_can_be_measured_one_by_one(
    measured: tuple[Path, Result], data: Path, base: Path, tmp_path: Path
) -> None:
    first = measure(data, base, tmp_path, **OPTIONS, only="2")
    assert [fold.fold for fold in first.folds] == [2]
    second = measure(data, base, tmp_path, **OPTIONS, only="1")
    assert [fold.fold for fold in second.folds] == [1, 2]
    for one, whole in zip(second.folds, measured[1].folds, strict=False):
        assert one.model_copy(update={"seconds": 0.0}) == whole.model_copy(update={"seconds": 0.0})
    console = Console(record=True, width=140)
    show(second, console)
    assert "2 of 3" in console.export_text()


def test_a_damaged_kept_fold_is_measured_again(data: Path, base: Path, tmp_path: Path) -> None:
    before = measure(data, base, tmp_path, **OPTIONS, only="1")
    (kept,) = tmp_path.rglob("fold-1.json")
    kept.write_text('{"fold": 1', encoding="utf-8")
    after = measure(data, base, tmp_path, **OPTIONS, only="1")
    assert after.mean == before.mean


def test_near_duplicates_stand_in_one_fold() -> None:
    rows = distinct(messages())
    rows += [row | {"id": f"copy-{row['id']}", "text": row["text"] + "。"} for row in rows]
    groups = near_duplicate_groups([row["text"] for row in rows])
    labels = [list(_MATTERS).index(row["label"]) for row in rows]
    folds = grouped_folds(groups, labels, 5, 1)
    assert sorted(i for fold in folds for i in fold) == list(range(len(rows)))
    of = {int(i): number for number, fold in enumerate(folds) for i in fold}
    assert all(of[i] == of[i + 210] for i in range(210))
    for fold in folds:
        assert {labels[i] for i in fold} == set(range(7))


def test_too_many_folds_are_refused() -> None:
    with pytest.raises(InputFileError, match="fewer folds"):
        grouped_folds([0, 1, 2], [0, 1, 0], 5, 1)


def test_two_classes_and_unseen_ones_have_margins(data: Path) -> None:
    examples = [e for e in read_benchmark(data).messages if e.label in (1, 3)]
    margins = Svm(examples, 7).margins(examples)
    assert (margins.argmax(axis=1) == [e.label for e in examples]).mean() > 0.95
    assert (margins[:, [0, 2, 4, 5, 6]] == -10).all()


def test_the_product_trusts_the_better_voice() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(7, size=400)
    good = rng.normal(size=(400, 7))
    good[np.arange(400), labels] += 3
    voices = [log_softmax(rng.normal(size=(400, 7))), log_softmax(good)]
    poor, better = fit_pool(voices, list(labels))
    assert poor < 0.2 < better
    assert np.exp(pooled(voices, (poor, better))).sum(axis=1) == pytest.approx(1)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"no xz at all", "damaged"),
        (lzma.compress('{"id": "1", "text": "机密正文"}\n'.encode()), "line 1"),
        (lzma.compress('{"id": "1", "text": "机密正文"\n'.encode()), "line 1"),
        (lzma.compress('{"id": "1", "text": "机密正文", "label": "a"}\n'.encode()), "two classes"),
        (lzma.compress('{"id": "1", "text": "机密正文", "label": "a"}\n'.encode())[:-9], "damaged"),
    ],
)
def test_bad_files_are_named_without_their_text(
    tmp_path: Path, content: bytes, message: str
) -> None:
    (tmp_path / FILE).parent.mkdir()
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(InputFileError, match=message) as error:
        read_benchmark(tmp_path)
    assert "机密正文" not in str(error.value)


@pytest.mark.parametrize("text", ["0", "4", "1,,2", "one", ""])
def test_folds_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(InputFileError, match="from 1 to 3"):
        chosen_folds(text, 3)


def test_chosen_folds() -> None:
    assert chosen_folds(None, 3) == [1, 2, 3]
    assert chosen_folds("3, 1", 3) == [1, 3]


def test_the_command_says_what_is_missing(tmp_path: Path, base: Path) -> None:
    arguments = ["--data", str(tmp_path), "--base", str(base), "--out", str(tmp_path / "out")]
    result = invoke(main, arguments)
    assert result.exit_code == 2
    assert "DATA=" in result.output
