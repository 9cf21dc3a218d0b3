from __future__ import annotations

from pathlib import Path

import pytest

from eval.data import NOTHING, fingerprint, read_labelled, truth_of
from tests.eval.fakes import SECRET, row, rows, write_rows
from triage.errors import InputFileError


def test_reads_every_record_and_skips_blank_lines(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "dev.jsonl", rows())
    path.write_text("\n" + path.read_text("utf-8") + "\n\n", "utf-8")
    records = read_labelled(path)
    assert [r.id for r in records] == [r["id"] for r in rows()]
    assert records[0].message.text == rows()[0]["text"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (f'{{"text": "{SECRET}"', "no valid JSON"),
        (f'["{SECRET}"]', "not a JSON object"),
        (f'{{"id": "a", "text": "{SECRET}", "urgent": 0}}', "department: Field required"),
        (f'{{"id": "a", "text": "x", "urgent": 0, "department": "{SECRET}"}}', "department: Input"),
        ('{"id": "a", "text": "", "urgent": 0, "department": "civil"}', "text: String should"),
        (
            '{"id": "m1", "text": "x", "urgent": 0, "department": "civil"}',
            "already stands on line 2",
        ),
    ],
)
def test_a_bad_line_is_named_without_its_text(tmp_path: Path, line: str, said: str) -> None:
    path = write_rows(tmp_path / "dev.jsonl", rows(1)[:2])
    path.write_text(path.read_text("utf-8") + line + "\n", "utf-8")
    with pytest.raises(InputFileError, match="line 3") as caught:
        read_labelled(path)
    assert said in str(caught.value)
    assert SECRET not in str(caught.value)


def test_missing_empty_and_wrongly_encoded_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputFileError, match="is missing"):
        read_labelled(tmp_path / "dev.jsonl")
    (tmp_path / "empty.jsonl").write_text("\n")
    with pytest.raises(InputFileError, match="holds no labelled message"):
        read_labelled(tmp_path / "empty.jsonl")
    (tmp_path / "gbk.jsonl").write_bytes("留言".encode("gbk"))
    with pytest.raises(InputFileError, match="not UTF-8"):
        read_labelled(tmp_path / "gbk.jsonl")
    with pytest.raises(InputFileError, match="cannot be read"):
        read_labelled(tmp_path)


def test_the_second_label_counts_only_where_annotators_differ(tmp_path: Path) -> None:
    path = write_rows(
        tmp_path / "dev.jsonl",
        [
            row(0, "civil", second="complaints"),
            row(1, "civil", second="complaints", contested=True),
            row(2, "none"),
            row(3, "civil", contested=True),
        ],
    )
    truth = truth_of(read_labelled(path))
    assert truth.department.tolist() == [0, 0, NOTHING, 0]
    assert truth.other.tolist() == [0, 3, NOTHING, 0]
    assert truth.strict.tolist() == [True, False, False, False]


def test_fingerprint_follows_contents_and_order(tmp_path: Path) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    first.write_text("1")
    second.write_text("2")
    assert fingerprint([first, second]) != fingerprint([second, first])
    assert fingerprint([first]) == fingerprint([first])
