"""`triage classify` on a text, and on files of every format."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.cli.conftest import Run
from tests.fakes import FakeClassifier
from tests.serving.process import ROOT
from triage.types import Message

DUST = "门口的工地整天扬尘，请管一管。"
FROZEN = "账户被冻结，工资发不出来。"
ROWS = [
    {"id": "a", "title": "工地", "text": DUST},
    {"id": "b", "text": FROZEN},
    {"id": "c", "text": "  "},
    {"id": "d", "text": DUST},
]


def decision(*, explain: bool = False, **fields: str) -> bytes:
    decided = FakeClassifier().classify(Message(**fields), explain=explain)
    return decided.model_dump_json().encode() + b"\n"


def test_text_gives_the_decisions_json(run: Run) -> None:
    ran = run("classify", DUST, "--title", "工地")
    assert (ran.code, ran.out, ran.err) == (0, decision(text=DUST, title="工地"), "")


def test_explained_on_request_only(run: Run, tmp_path: Path) -> None:
    explained = decision(text=DUST, explain=True)
    assert explained != decision(text=DUST)
    assert run("classify", DUST, "--explain").out == explained
    assert run("classify", DUST).out == decision(text=DUST)
    ran = run("classify", str(write_jsonl(tmp_path / "in.jsonl")), "--explain")
    assert ran.code == 1
    assert ran.out.splitlines(keepends=True)[3] == decision(explain=True, **ROWS[3])


@pytest.mark.parametrize("text", ["", " \u3000", "长" * 20_001, "\udcff"])
def test_text_that_is_no_message_has_an_error(run: Run, text: str) -> None:
    ran = run("classify", text)
    assert ran.code == 1
    assert ran.err.startswith("invalid_message: ")
    assert json.loads(ran.out)["error"]["errors"][0]["field"] == "text"


def test_missing_file_is_wrong_usage_and_no_text(run: Run) -> None:
    ran = run("classify", "nowhere/messages.csv")
    assert ran.code == 2
    assert "there is no file" in ran.err


def test_title_belongs_to_a_text(run: Run, tmp_path: Path) -> None:
    file = write_jsonl(tmp_path / "in.jsonl")
    assert run("classify", str(file), "--title", "x").code == 2


def test_unknown_output_format_is_refused(run: Run, tmp_path: Path) -> None:
    ran = run("classify", DUST, "-o", str(tmp_path / "out.doc"))
    assert ran.code == 2
    assert ".xlsx" in ran.err


def write_jsonl(path: Path) -> Path:
    lines = [json.dumps(row, ensure_ascii=False) for row in ROWS]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def write_csv(path: Path, encoding: str = "utf-8-sig") -> Path:
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["编号", "标题", "内容", "时间", "备注"])
        for row in ROWS:
            writer.writerow([row["id"], row.get("title", ""), row["text"], "2026/3/1 9:05", "x"])
    return path


def write_xlsx(path: Path) -> Path:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["留言编号", "留言主题", "留言详情"])
    for row in ROWS:
        sheet.append([row["id"], row.get("title"), row["text"]])
    book.save(path)
    return path


def write_parquet(path: Path) -> Path:
    columns = {name: [row.get(name) for row in ROWS] for name in ("id", "title", "text")}
    pq.write_table(pa.table(columns | {"score": [1.0] * len(ROWS)}), path)
    return path


WRITERS = {"jsonl": write_jsonl, "csv": write_csv, "xlsx": write_xlsx, "parquet": write_parquet}


@pytest.mark.parametrize("kind", WRITERS)
def test_every_input_format_gives_the_same_lines(run: Run, tmp_path: Path, kind: str) -> None:
    ran = run("classify", str(WRITERS[kind](tmp_path / f"in.{kind}")))
    assert ran.code == 1
    lines = ran.out.splitlines(keepends=True)
    assert lines[0] == decision(**ROWS[0])
    assert lines[1] == decision(**ROWS[1])
    error = json.loads(lines[2])
    assert error["id"] == "c"
    assert error["error"]["code"] == "invalid_message"
    assert error["row"] == {"jsonl": 3, "csv": 4, "xlsx": 4, "parquet": 3}[kind]
    assert lines[3] == decision(**ROWS[3])
    assert "4 messages, 1 with an error" in ran.err


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030", "utf-16"])
def test_csv_in_the_encodings_of_offices(run: Run, tmp_path: Path, encoding: str) -> None:
    ran = run("classify", str(write_csv(tmp_path / "in.csv", encoding)))
    assert ran.out.splitlines(keepends=True)[0] == decision(**ROWS[0])


def read_table(path: Path) -> list[dict[str, object]]:
    if path.suffix == ".parquet":
        table: list[dict[str, object]] = pq.read_table(path).to_pylist()
        return table
    if path.suffix == ".xlsx":
        book = openpyxl.load_workbook(path)
        header, *rows = book.worksheets[0].iter_rows(values_only=True)
        return [dict(zip(map(str, header), row, strict=True)) for row in rows]
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"))))


@pytest.mark.parametrize("kind", ["csv", "xlsx", "parquet"])
def test_tables_out(run: Run, tmp_path: Path, kind: str) -> None:
    out = tmp_path / f"out.{kind}"
    ran = run("classify", str(write_jsonl(tmp_path / "in.jsonl")), "-o", str(out), "--with-text")
    assert (ran.code, ran.out) == (1, b"")
    rows = read_table(out)
    assert [row["id"] for row in rows] == ["a", "b", "c", "d"]
    assert rows[0]["department_name"] == "公益诉讼检察"
    assert rows[0]["text"] == DUST
    assert float(str(rows[0]["p_public_interest"])) == 0.91
    assert rows[0]["department_set"] == "public_interest;civil"
    assert rows[0]["department_set_names"] == "公益诉讼检察；民事检察"
    assert not rows[1]["department_set"]
    assert rows[1]["urgency_reason_names"] == "生计无着"
    assert rows[2]["error_code"] == "invalid_message"
    assert not rows[2]["department"]
    if kind == "parquet":
        assert str(rows[0]["decision"]).encode() + b"\n" == decision(**ROWS[0])
    assert list(tmp_path.glob(".*")) == []


@pytest.mark.parametrize("start", ["=1+1", "+86", "-x", "@a", "\t=1", " =1", "＝1"])
def test_no_cell_is_a_formula(run: Run, tmp_path: Path, start: str) -> None:
    text = f'{start}|cmd "扬尘"'
    file = tmp_path / "in.jsonl"
    file.write_text(json.dumps({"id": start, "title": start, "text": text}), encoding="utf-8")
    run("classify", str(file), "-o", str(tmp_path / "out.csv"), "--with-text")
    run("classify", str(file), "-o", str(tmp_path / "out.xlsx"), "--with-text")
    (row,) = read_table(tmp_path / "out.csv")
    assert row["text"] == "'" + text
    assert row["title"] == row["id"] == "'" + start
    sheet = openpyxl.load_workbook(tmp_path / "out.xlsx").worksheets[0]
    assert "f" not in {cell.data_type for cell in sheet[2]}
    assert sheet["D2"].value == text


def test_nothing_is_written_when_the_input_breaks(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    out.write_bytes(b"before")
    broken = tmp_path / "in.csv"
    broken.write_text("a,b\n1,2\n")
    ran = run("classify", str(broken), "-o", str(out))
    assert ran.code == 2
    assert "Columns found: a, b." in ran.err
    assert "内容" in ran.err
    assert out.read_bytes() == b"before"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.csv", "out.jsonl"]


def test_output_folder_must_exist(run: Run, tmp_path: Path) -> None:
    ran = run("classify", DUST, "-o", str(tmp_path / "none" / "out.csv"))
    assert ran.code == 2
    assert "No such file" in ran.err
    assert "Traceback" not in ran.err


@pytest.mark.parametrize("kind", ["xlsx", "parquet"])
def test_file_that_is_not_what_its_name_says(run: Run, tmp_path: Path, kind: str) -> None:
    file = tmp_path / f"in.{kind}"
    file.write_bytes(b"PK\x03\x04 nothing of the sort")
    ran = run("classify", str(file))
    assert ran.code == 2
    assert ran.err.startswith("invalid_input_file: ")


@pytest.mark.parametrize("content", [b"", b"\n", "内容\n".encode()])
def test_csv_without_rows(run: Run, tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "in.csv"
    file.write_bytes(content)
    ran = run("classify", str(file))
    assert (ran.code, ran.out) == ((0, b"") if content.strip() else (2, b""))


@pytest.mark.parametrize("name", ["messages.csv", "../here/messages.csv"])
def test_the_input_is_never_overwritten(tmp_path: Path, name: str) -> None:
    (tmp_path / "here").mkdir()
    file = tmp_path / "here" / "messages.csv"
    file.write_text("text\n老板拖欠工资\n", encoding="utf-8")
    ran = subprocess.run(
        [sys.executable, "-m", "triage.cli", "classify", str(file), "-o", str(file.parent / name)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ran.returncode == 2
    assert "would be lost" in ran.stderr
    assert file.read_text(encoding="utf-8") == "text\n老板拖欠工资\n"


def test_a_refused_input_leaves_no_traceback_beside_a_workbook(tmp_path: Path) -> None:
    file = tmp_path / "messages.csv"
    file.write_text("foo,bar\n1,2\n", encoding="utf-8")
    ran = subprocess.run(
        [sys.executable, "-m", "triage.cli", "classify", str(file), "-o", str(tmp_path / "o.xlsx")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ran.returncode == 2
    assert "Traceback" not in ran.stderr
    assert not (tmp_path / "o.xlsx").exists()
