"""Wrong labels are found, near-duplicates do not vouch for them, and no text leaves unasked."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from tests.training.commands import invoke
from tests.training.invented import rows
from training.linear_fit import fit_linear
from training.suspects import (
    COLUMNS,
    find_suspects,
    main,
    out_of_fold,
    read_messages,
    read_probabilities,
    write,
)
from triage.errors import InputFileError
from triage.labels import CLASSES

WRONG = {"civil-17": "complaints", "public_interest-40": "civil", "administrative-33": "complaints"}
WRONG_DEV = {"d-complaints-19": "public_interest"}


def write_labelled(
    data: Path, train: list[dict[str, object]], dev: list[dict[str, object]]
) -> Path:
    (data / "labelled").mkdir(parents=True, exist_ok=True)
    for name, part in (("train", train), ("dev", dev)):
        if part:
            lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in part)
            (data / "labelled" / f"{name}.jsonl").write_text(lines, encoding="utf-8")
    return data


def mislabelled(made: list[dict[str, object]], wrong: dict[str, str]) -> list[dict[str, object]]:
    return [row | {"department": wrong.get(str(row["id"]), row["department"])} for row in made]


def labelled_rows() -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    dev = [row | {"id": f"d-{row['id']}", "text": f"{row['text']}盼复"} for row in rows()[:80]]
    assert {row["id"] for row in dev} >= set(WRONG_DEV)
    return mislabelled(rows()[80:], WRONG), mislabelled(dev, WRONG_DEV)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_labelled(tmp_path_factory.mktemp("data"), *labelled_rows())


@pytest.fixture(scope="module")
def run(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("out")
    result = invoke(main, ["--data", str(data), "--out", str(out), "--folds", "3"])
    assert result.exit_code == 0, result.output
    return out


def table(out: Path) -> list[dict[str, str]]:
    with (out / "suspects.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_wrong_labels_of_both_files_are_found(run: Path) -> None:
    found = table(run)
    assert tuple(found[0]) == COLUMNS
    assert {row["id"] for row in found} >= {*WRONG, *WRONG_DEV}
    assert len(found) <= 3 * len({*WRONG, *WRONG_DEV})
    by = {row["id"]: row for row in found}
    assert (by["civil-17"]["given"], by["civil-17"]["suggested"]) == ("complaints", "civil")
    assert (by["civil-17"]["split"], by["d-complaints-19"]["split"]) == ("train", "dev")
    assert by["d-complaints-19"]["suggested"] == "complaints"


def test_the_most_suspicious_come_first(run: Path) -> None:
    found = table(run)
    margins = [float(row["margin"]) for row in found]
    assert margins == sorted(margins)
    assert [int(row["rank"]) for row in found] == list(range(1, len(found) + 1))
    assert all(
        0 <= float(row[name]) <= 1 for row in found for name in ("margin", "self_confidence")
    )


def test_no_text_leaves_unasked(run: Path) -> None:
    assert not (run / "suspects.jsonl").exists()
    texts = [str(row["text"])[:12] for part in labelled_rows() for row in part]
    assert {file.name for file in run.iterdir()} == {"suspects.csv", "suspects.log"}
    for file in run.iterdir():
        content = file.read_text(encoding="utf-8")
        assert not any(text in content for text in texts)


def test_texts_only_on_request_and_the_list_has_an_end(data: Path, tmp_path: Path) -> None:
    file = tmp_path / "other.npz"
    messages = read_messages(data)
    save(file, [m.example.id for m in messages], certain(messages))
    arguments = ["--data", str(data), "--out", str(tmp_path), "--probabilities", str(file)]
    assert invoke(main, [*arguments, "--top", "2", "--with-texts"]).exit_code == 0
    lines = (tmp_path / "suspects.jsonl").read_text(encoding="utf-8").splitlines()
    texts = {row["id"]: row["text"] for part in labelled_rows() for row in part}
    shown = [json.loads(line) for line in lines]
    assert [row["id"] for row in shown] == [row["id"] for row in table(tmp_path)]
    assert len(shown) == 2
    assert all(row["text"] == texts[row["id"]] for row in shown)
    assert invoke(main, arguments).exit_code == 0
    assert not (tmp_path / "suspects.jsonl").exists()


def certain(messages: list) -> np.ndarray:
    """Probabilities of a judge who knows the true department, from the ids."""
    truth = [m.example.id.removeprefix("d-").rsplit("-", 1)[0] for m in messages]
    found = np.full((len(messages), len(CLASSES)), 0.01)
    found[np.arange(len(messages)), [CLASSES.index(t) for t in truth]] = 0.96
    return found


def save(path: Path, ids: list[str], probabilities: np.ndarray) -> None:
    np.savez(path, ids=np.array(ids), probabilities=probabilities)


def test_other_predictions_can_be_used(data: Path, tmp_path: Path) -> None:
    messages = read_messages(data)
    order = np.random.default_rng(0).permutation(len(messages))
    shuffled = [messages[i] for i in order if messages[i].split == "train"]
    save(tmp_path / "p.npz", [m.example.id for m in shuffled], certain(shuffled))
    known, found = read_probabilities(tmp_path / "p.npz", messages)
    assert {m.split for m in known} == {"train"}
    assert {s.message.example.id for s in find_suspects(known, found)} == set(WRONG)


@pytest.mark.parametrize(
    ("ids", "values", "message"),
    [
        (["a", "a"], np.full((2, 5), 0.2), "distinct"),
        (["a", "b"], np.full((2, 4), 0.25), "5 columns"),
        (["a", "b"], np.ones((2, 5)), "sum to 1"),
        (["a", "b"], np.full((2, 5), np.nan), "sum to 1"),
        (["a", "b"], np.full((2, 5), 0.2), "no id"),
    ],
)
def test_predictions_of_another_form_are_refused(
    data: Path, tmp_path: Path, ids: list[str], values: np.ndarray, message: str
) -> None:
    save(tmp_path / "p.npz", ids, values)
    with pytest.raises(InputFileError, match=message):
        read_probabilities(tmp_path / "p.npz", read_messages(data))


def test_a_file_without_predictions_is_refused(tmp_path: Path) -> None:
    (tmp_path / "p.npz").write_bytes(b"PK nothing")
    with pytest.raises(InputFileError, match="ids and probabilities"):
        read_probabilities(tmp_path / "p.npz", [])
    np.savez(tmp_path / "q.npz", other=np.ones(3))
    with pytest.raises(InputFileError, match="ids and probabilities"):
        read_probabilities(tmp_path / "q.npz", [])


def test_a_copy_does_not_vouch_for_a_wrong_label(tmp_path: Path) -> None:
    train = rows()
    wrong = next(row for row in train if row["id"] == "civil-17") | {"department": "complaints"}
    copies = [
        wrong | {"id": f"copy-{n}", "text": f"{wrong['text']}{'。' * n}"} for n in range(1, 9)
    ]
    data = write_labelled(
        tmp_path / "data", [r for r in train if r["id"] != "civil-17"] + copies, []
    )
    messages = read_messages(data)
    at = [i for i, m in enumerate(messages) if m.example.id.startswith("copy-")]
    # A voice that saw the other copies believes them …
    seen = fit_linear([m.example for m in messages])
    assert CLASSES[seen.predict(messages[at[0]].example.body.text).classes.argmax()] == "complaints"
    # … one that saw none does not.
    found = out_of_fold(messages, 3, seed=1)
    assert {CLASSES[found[i].argmax()] for i in at} == {"civil"}


def test_without_dev_and_with_rare_classes(tmp_path: Path) -> None:
    odd = rows()[0] | {"id": "odd", "text": "测试一下系统是否正常", "department": "none"}
    messages = read_messages(write_labelled(tmp_path, [*rows(), odd], []))
    found = out_of_fold(messages, 3, seed=1)
    assert found.shape == (len(messages), 5)
    assert found.sum(axis=1) == pytest.approx(1)
    assert all(s.message.split == "train" for s in find_suspects(messages, found))


def test_clean_labels_leave_an_empty_list(data: Path, tmp_path: Path) -> None:
    messages = [m for m in read_messages(data) if m.example.id not in WRONG | WRONG_DEV]
    write(find_suspects(messages, certain(messages)), tmp_path, with_texts=False)
    assert table(tmp_path) == []


def test_too_little_data_is_a_clear_error(tmp_path: Path) -> None:
    data = write_labelled(tmp_path / "data", rows()[:3], [])
    arguments = ["--data", str(data), "--out", str(tmp_path / "out")]
    result = invoke(main, arguments)
    assert result.exit_code == 2
    assert "fewer folds" in " ".join(result.output.split())
    one = [row for row in rows() if row["department"] == "civil"]
    messages = read_messages(write_labelled(tmp_path / "one", one, []))
    with pytest.raises(InputFileError, match="same"):
        find_suspects(messages, np.full((len(messages), 5), 0.2))
