"""Training from an invented data directory to a bundle that loads and answers."""

from __future__ import annotations

import csv
import dataclasses
import json
import lzma
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import BertModel

from tests.training.checkpoint import write_checkpoint
from tests.training.invented import rows, write_data
from training.corpus import domain_documents, fingerprints
from training.finetune import FinetuneSettings
from training.pretrain import PretrainSettings, Sources, pretrain
from training.run import Training, TrainSettings
from triage.bundle import load_bundle, verify
from triage.errors import InputFileError
from triage.pipeline import Pipeline
from triage.types import Message

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
SEEN = "validation_macro_f1_model"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_data(tmp_path_factory.mktemp("data"))


def settings(data: Path, **changes: object) -> TrainSettings:
    made = TrainSettings(
        data=str(data),
        labels_only=True,
        vocabulary=600,
        max_length=64,
        pretrain=PretrainSettings(size="tiny", tokens=20_000, length=32, batch=16),
        finetune=FinetuneSettings(epochs=6, learning_rate=2e-3),
    )
    return dataclasses.replace(made, **changes)


@pytest.fixture(scope="module")
def trained(data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    torch.set_num_threads(1)
    work = tmp_path_factory.mktemp("work") / "run"
    return work, Training(settings(data), work).run(work.parent / "bundle")


def test_the_bundle_is_verified_and_has_learnt(trained: tuple[Path, Path]) -> None:
    manifest = verify(trained[1])
    assert manifest.metrics[SEEN] > 0.9
    assert manifest.metrics["dev_macro_f1_fusion"] > 0.9
    assert manifest.metrics["int8_agreement"] >= 0.99
    card = (trained[1] / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert "sources of the texts were not stated" in card
    assert str(manifest.metrics["dev_macro_f1_fusion"]) in card


def test_the_bundle_classifies(trained: tuple[Path, Path]) -> None:
    decision = Pipeline.load(trained[1]).classify(Message(text="我家附近的村支书贪污公款，请查处"))
    assert decision.department == "complaints"


def test_no_text_of_the_data_is_in_the_bundle(trained: tuple[Path, Path]) -> None:
    texts = [str(row["text"])[:20].encode() for row in rows()]
    for file in trained[1].iterdir():
        content = file.read_bytes()
        assert not any(text in content for text in texts), file.name


def test_a_finished_run_is_not_repeated(data: Path, trained: tuple[Path, Path]) -> None:
    steps = trained[0] / "steps.json"
    before = json.loads(steps.read_text(encoding="utf-8"))["seconds"]
    again = Training(settings(data), trained[0]).run(trained[0].parent / "again")
    after = json.loads(steps.read_text(encoding="utf-8"))["seconds"]
    assert after["pre-training"] == before["pre-training"]
    same = [load_bundle(path).manifest.metrics for path in (trained[1], again)]
    assert same[0] == same[1]


def test_other_data_do_not_mix_with_an_old_run(
    data: Path, trained: tuple[Path, Path], tmp_path: Path
) -> None:
    grown = Path(shutil.copytree(data, tmp_path / "data"))
    work = Path(shutil.copytree(trained[0], tmp_path / "work"))
    with (grown / "labelled" / "train.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"id": "new", "text": "房东不退押金", "department": "civil"}\n')
    steps = json.loads((work / "steps.json").read_text(encoding="utf-8"))
    steps["settings"]["settings"]["data"] = str(grown)
    (work / "steps.json").write_text(json.dumps(steps), encoding="utf-8")
    with pytest.raises(InputFileError, match="other data"):
        Training(settings(grown), work)


def test_nothing_but_a_training_or_a_bundle_is_deleted(data: Path, tmp_path: Path) -> None:
    keep = tmp_path / "precious.txt"
    keep.write_text("x", encoding="utf-8")
    with pytest.raises(InputFileError, match="not be deleted"):
        Training(settings(data), tmp_path, restart=True)
    with pytest.raises(InputFileError, match="not be replaced"):
        Training(settings(data), tmp_path / "work").run(tmp_path)
    assert keep.exists()


def test_other_settings_do_not_mix_with_an_old_run(data: Path, trained: tuple[Path, Path]) -> None:
    with pytest.raises(InputFileError, match="--restart"):
        Training(settings(data, seed=2), trained[0])


TUNING = FinetuneSettings(epochs=16, learning_rate=5e-3, hidden=0.0)


def test_a_checkpoint_from_disk_takes_the_same_path(data: Path, tmp_path: Path) -> None:
    base = write_checkpoint(tmp_path / "checkpoint", list(domain_documents(data)))
    made = settings(data, base=str(base), finetune=TUNING)
    bundle = Training(made, tmp_path / "work").run(tmp_path / "bundle")
    manifest = verify(bundle)
    assert manifest.training["encoder"] == "checkpoint"
    assert manifest.metrics[SEEN] > 0.8
    assert not (tmp_path / "work" / "encoder").exists()


def test_a_teacher_is_tuned_first_and_asked_about_unlabelled_messages(
    data: Path, tmp_path: Path
) -> None:
    grown = Path(shutil.copytree(data, tmp_path / "data"))
    (grown / "unlabelled").mkdir()
    with lzma.open(grown / "unlabelled" / "messages.jsonl.xz", "wt", encoding="utf-8") as file:
        file.writelines(f'{{"id": "u{i}", "text": "公司拖欠工资不给{i}"}}\n' for i in range(30))
    base = write_checkpoint(tmp_path / "checkpoint", list(domain_documents(grown)))
    made = settings(grown, base=str(base), teacher=str(base), finetune=TUNING)
    bundle = Training(made, tmp_path / "work").run(tmp_path / "bundle")
    assert (tmp_path / "work" / "teacher" / "finetune.pt").is_file()
    assert verify(bundle).metrics[SEEN] > 0.8


class FailingTokens(np.ndarray):
    """Tokens on a disk that breaks after a number of reads."""

    reads_left = 10**9

    def __getitem__(self, key: object) -> np.ndarray:
        FailingTokens.reads_left -= 1
        if FailingTokens.reads_left < 0:
            raise OSError("disk error")
        return super().__getitem__(key)


def test_an_interrupted_pre_training_goes_on_as_if_nothing_happened(tmp_path: Path) -> None:
    tokens = np.random.default_rng(0).integers(5, 100, 9_000).astype(np.uint16)
    made = PretrainSettings(size="tiny", tokens=6_400, length=32, batch=8, checkpoint_every=5)
    sources = Sources(tokens, tokens[:0], 100)
    whole = pretrain(sources, made, tmp_path / "whole")

    FailingTokens.reads_left = 13 * made.batch
    failing = Sources(tokens.view(FailingTokens), tokens[:0], 100)
    with pytest.raises(OSError, match="disk error"):
        pretrain(failing, made, tmp_path / "broken")
    state = torch.load(tmp_path / "broken" / "pretrain.pt", weights_only=True)
    assert 0 < state["step"] < 25
    resumed = pretrain(sources, made, tmp_path / "broken")
    weights = [
        BertModel.from_pretrained(path, add_pooling_layer=False).state_dict()
        for path in (whole, resumed)
    ]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"id": "x", "text": "机密正文", "department": "finance"}', "row 2: .*department"),
        ('{"id": "x", "text": "", "department": "civil"}', "row 2: .*text"),
        ("{broken", "row 2: is no JSON object"),
    ],
)
def test_a_bad_row_is_named_without_its_text(tmp_path: Path, line: str, message: str) -> None:
    from training.data import read_labelled

    good = '{"id": "a", "text": "老板欠薪", "department": "civil"}'
    path = tmp_path / "train.jsonl"
    path.write_text(f"{good}\n{line}\n", encoding="utf-8")
    with pytest.raises(InputFileError, match=message) as error:
        read_labelled(path, tmp_path / "cache")
    assert "机密正文" not in str(error.value)


def test_a_column_may_change_its_type_far_down(tmp_path: Path) -> None:
    """As exports do, where the intake system gives no `reference` for months, and then does."""
    from training.data import read_labelled

    path = tmp_path / "train.jsonl"
    with path.open("w", encoding="utf-8") as file:
        for number in range(200):
            late = number > 190
            row = {"id": str(number), "text": "欠薪" * 10_000, "department": "civil",
                   "reference": "R1" if late else None, "title": "标题" if late else None,
                   "received_at": f"2026-11-02T08:00:00{'.123456' if late else ''}+00:00"}  # fmt: skip
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
    assert path.stat().st_size > 10 << 20
    read = read_labelled(path, tmp_path / "cache")
    assert [example.title is not None for example in read] == [n > 190 for n in range(200)]


def test_csv_is_read_like_jsonl(tmp_path: Path) -> None:
    from training.data import read_labelled

    path = tmp_path / "train.csv"
    path.write_text(
        "id,title,text,department,urgent,reasons\n"
        "a,,明天强拆,administrative,1,deadline;life_safety\nb,标题,老板欠薪,civil,0,\n",
        encoding="utf-8",
    )
    first, second = read_labelled(path, tmp_path / "cache")
    assert (first.urgent, sum(first.reasons), first.title) == (True, 2, None)
    assert second.title is not None
    assert second.label == 0


def test_csv_data_train_too(tmp_path: Path) -> None:
    made = tmp_path / "data"
    (made / "labelled").mkdir(parents=True)
    with (made / "labelled" / "train.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, ["id", "title", "text", "department", "urgent"])
        table.writeheader()
        for row in rows():
            table.writerow({name: row[name] for name in table.fieldnames})
    documents = list(domain_documents(made))
    assert len(documents) == len(rows())
    assert fingerprints(made).keys() == {"train.csv"}


def test_a_missing_data_directory_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(InputFileError, match="DATA="):
        Training(settings(tmp_path), tmp_path / "work")
    shutil.rmtree(tmp_path / "work", ignore_errors=True)
