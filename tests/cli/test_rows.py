"""Bad rows: each comes out with its error, whatever is wrong with it; the others go on."""

from __future__ import annotations

import csv
import io
import json
import tracemalloc
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.cli.conftest import Run
from triage.errors import InputFileError
from triage.io import RowError, open_input
from triage.io.columns import row_from
from triage.io.csvfile import CsvReader
from triage.io.jsonl import MAX_LINE_BYTES, JsonlReader
from triage.types import Message

GOOD = '{"text": "好的留言"}'.encode()


def codes(path: Path) -> list[str | None]:
    with open_input(path) as reader:
        rows = [row.content for row in reader]
    return [content.code if isinstance(content, RowError) else None for content in rows]


BAD_LINES = {
    "no JSON": b"{",
    "no object": b"[1]",
    "not UTF-8": '{"text": "你好"}'.encode("gbk"),
    "too long": b'{"text": "' + b"a" * MAX_LINE_BYTES + b'"}',
    "deep": b"[" * 100_000,
    "endless number": b'{"text": ' + b"9" * 10_000 + b"}",
    "no text": b"{}",
    "lone surrogate": b'{"text": "\\ud800"}',
    "long text": json.dumps({"text": "a" * 20_001}).encode(),
    "wrong type": b'{"text": 5}',
}


@pytest.mark.parametrize("line", BAD_LINES.values(), ids=BAD_LINES)
def test_bad_line_between_good_ones(tmp_path: Path, line: bytes) -> None:
    file = tmp_path / "in.jsonl"
    file.write_bytes(b"\xef\xbb\xbf" + GOOD + b"\n\n" + line + b"\r\n" + GOOD)
    first, bad, last = codes(file)
    assert (first, last) == (None, None)
    assert bad in ("invalid_row", "invalid_message")


def test_fields_of_labelled_data_are_left_out(tmp_path: Path) -> None:
    file = tmp_path / "in.jsonl"
    file.write_bytes(b'{"id": 7, "text": "a", "department": "civil", "sure": 1}')
    with open_input(file) as reader:
        (row,) = reader
    assert row.content == Message(id="7", text="a")


def test_csv_rows(tmp_path: Path) -> None:
    file = tmp_path / "in.csv"
    lines = ["text,id", "好,1", "半,句,2", '"多\n行，""引""",3', "", ",4", "后,5,,"]
    file.write_text("\n".join(lines), encoding="utf-8")
    with open_input(file) as reader:
        rows = list(reader)
    assert [row.number for row in rows] == [2, 3, 4, 6, 7]
    assert isinstance(rows[1].content, RowError)
    assert "quote texts" in rows[1].content.detail
    assert rows[2].content == Message(text='多\n行，"引"', id="3")
    assert isinstance(rows[3].content, RowError)
    assert rows[4].content == Message(text="后", id="5")


def test_broken_bytes_spoil_one_row_only(tmp_path: Path) -> None:
    file = tmp_path / "in.csv"
    good = "正文够长的一条留言，说的是一件事\n".encode()
    file.write_bytes("内容\n".encode() + good * 40 + b"\xff\xfe\n" + good)
    assert codes(file) == [None] * 40 + ["invalid_message", None]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_csv_delimiters(tmp_path: Path, delimiter: str) -> None:
    file = tmp_path / "in.csv"
    file.write_text(delimiter.join(["编号", "内容"]) + "\n" + delimiter.join(["1", "好"]))
    assert codes(file) == [None]


def test_sheet_cells_may_be_numbers_and_dates(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["编号", "内容", "时间"])
    sheet.append([1001.0, 13800000000, "2026年3月1日 9:30"])
    sheet.append([None, None, None])
    sheet.append([None, True, "昨天"])
    file = tmp_path / "in.xlsx"
    book.save(file)
    with open_input(file) as reader:
        first, second = reader
    assert isinstance(first.content, Message)
    assert (first.content.id, first.content.text) == ("1001", "13800000000")
    assert first.content.received_at is not None
    assert first.content.received_at.isoformat() == "2026-03-01T09:30:00+08:00"
    assert isinstance(second.content, RowError)
    assert {fault.field for fault in second.content.faults} == {"text", "received_at"}


@settings(max_examples=100, deadline=None)
@given(data=st.binary(max_size=200))
def test_any_bytes_are_rows_or_errors(data: bytes) -> None:
    list(JsonlReader(io.BytesIO(data)))
    try:
        list(CsvReader(io.BytesIO(b"text,id\n" + data), "utf-8-sig", "x.csv", None))
    except InputFileError:
        pytest.fail("the header is good")


@settings(max_examples=100, deadline=None)
@given(rows=st.lists(st.tuples(st.text(min_size=1), st.text(max_size=20)), max_size=5))
def test_csv_gives_texts_back_unchanged(rows: list[tuple[str, str]]) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerows([("text", "title"), *rows])
    data = text.getvalue().encode("utf-8", "surrogatepass")
    read = list(CsvReader(io.BytesIO(data), "utf-8", "x.csv", None))
    wanted = [row for row in rows if any(cell.strip() for cell in row)]
    assert len(read) == len(wanted)
    for row, (body, _) in zip(read, wanted, strict=True):
        if isinstance(row.content, Message):
            assert row.content.text == body


@given(value=st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary())
def test_any_cell_is_a_message_or_an_error(value: object) -> None:
    for field in ("id", "title", "text", "channel", "received_at"):
        row_from(1, {"text": "a", field: value})


class _Endless(io.RawIOBase):
    """Lines without end, made as they are read."""

    def __init__(self, lines: int) -> None:
        self._left = lines

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        if not self._left:
            return 0
        self._left -= 1
        line = GOOD + b" " * 900 + b"\n"
        buffer[: len(line)] = line
        return len(line)


def test_memory_does_not_grow_with_the_file() -> None:
    def peak(lines: int) -> int:
        tracemalloc.start()
        reader = JsonlReader(io.BufferedReader(_Endless(lines)))  # type: ignore[arg-type]
        assert sum(1 for _ in reader) == lines
        _, top = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return top

    peak(10)
    assert peak(2_000) < 2 * peak(20) + 50_000


@pytest.fixture
def large_csv(tmp_path: Path) -> Path:
    file = tmp_path / "large.csv"
    with file.open("w", encoding="gb18030") as out:
        out.write("编号,内容\n")
        out.writelines(f"{n},第{n}条留言\n" for n in range(3_000))
    return file


def test_order_is_kept(run: Run, large_csv: Path) -> None:
    ran = run("classify", str(large_csv))
    assert ran.code == 0
    assert [json.loads(line)["id"] for line in ran.out.splitlines()] == [
        str(n) for n in range(3_000)
    ]
