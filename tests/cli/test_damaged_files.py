"""Damage inside a table: one row where it can be told apart, else an error that names the file."""

from __future__ import annotations

import contextlib
import itertools
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from triage.errors import InputFileError
from triage.io import RowError, open_input
from triage.types import Message


def test_unreadable_cells_of_parquet_spoil_their_rows_only(tmp_path: Path) -> None:
    def strings(*cells: bytes) -> pa.StringArray:
        ends = np.cumsum([0, *map(len, cells)], dtype=np.int32)
        return pa.StringArray.from_buffers(
            len(cells), pa.py_buffer(ends), pa.py_buffer(b"".join(cells))
        )

    good = "好".encode()
    table = {
        "id": strings(b"1", b"2", b"3", b"\xff", b"5"),
        "text": strings(good, b"\xff" + good, good, good, good),
        # The last year is beyond those that Python knows.
        "received_at": pa.array([0, 0, 2**62, 0, 0], pa.timestamp("ms")),
    }
    file = tmp_path / "in.parquet"
    pq.write_table(pa.table(table), file)
    with open_input(file) as reader:
        rows = list(reader)
    assert [row.id for row in rows] == ["1", "2", "3", None, "5"]
    fields = [
        [fault.field for fault in row.content.faults] if isinstance(row.content, RowError) else []
        for row in rows
    ]
    assert fields == [[], ["text"], ["received_at"], ["id"], []]


def _sheet(path: Path) -> Path:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["编号", "内容"])
    for number in range(400):
        sheet.append([number, f"第{number}条留言"])
    book.save(path)
    return path


def _damaged(path: Path, member: str, damage: Callable[[bytes], bytes]) -> Path:
    """A sound archive in which one member's content is `damage` of what it was."""
    copy = path.with_name("damaged.xlsx")
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(copy, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            new.writestr(name, damage(content) if name == member else content)
    return copy


def test_sheet_that_breaks_off_is_an_error_after_its_rows(tmp_path: Path) -> None:
    whole = _sheet(tmp_path / "in.xlsx")
    broken = _damaged(whole, "xl/worksheets/sheet1.xml", lambda xml: xml[: len(xml) // 2])
    rows = []
    with (
        pytest.raises(InputFileError, match=r"damaged.xlsx is damaged after row \d+"),
        open_input(broken) as reader,
    ):
        rows.extend(reader)
    assert len(rows) > 50
    assert all(isinstance(row.content, Message) for row in rows)


def test_damage_anywhere_in_a_workbook_is_no_crash(tmp_path: Path) -> None:
    whole = _sheet(tmp_path / "in.xlsx")
    with zipfile.ZipFile(whole) as book:
        members = book.namelist()
    damages: list[Callable[[bytes], bytes]] = [
        lambda xml: xml[:-40],
        lambda _: b"",
        lambda xml: xml.replace(b'="', b'="?'),
        lambda xml: xml.replace(b"<v>", b"<v>x"),
    ]
    for member, damage in itertools.product(members, damages):
        _read_or_refused(_damaged(whole, member, damage))


def test_damaged_bytes_of_a_workbook_are_no_crash(tmp_path: Path) -> None:
    content = _sheet(tmp_path / "in.xlsx").read_bytes()
    copy = tmp_path / "damaged.xlsx"
    for at in range(10, len(content), 301):
        copy.write_bytes(
            content[:at] + bytes(~b & 255 for b in content[at : at + 8]) + content[at + 8 :]
        )
        _read_or_refused(copy)


def _read_or_refused(path: Path) -> None:
    with contextlib.suppress(InputFileError), open_input(path) as reader:
        list(reader)
