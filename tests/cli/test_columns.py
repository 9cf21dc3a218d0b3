"""Columns of tables: their headers, and times as spreadsheets write them."""

from __future__ import annotations

import datetime as dt

import pytest

from triage.errors import InputFileError
from triage.io import RowError
from triage.io.columns import find_columns, row_from


@pytest.mark.parametrize(
    ("header", "index"),
    [
        (["编号", "正文"], 1),
        (["Text ", "内容"], 0),
        (["留言 详情"], 0),
        (["標題", "內容"], 1),
        ([None, "ｔｅｘｔ"], 1),
    ],
)
def test_text_column_is_found(header: list[object], index: int) -> None:
    assert find_columns(header, "x.csv")["text"] == index


def test_headers_found_are_named() -> None:
    with pytest.raises(InputFileError, match="Columns found: 诉求人, 联系电话, note, 备注"):
        find_columns(["诉求人", "联系电话", None, " Note", "备注"], "x.csv")


@pytest.mark.parametrize(
    "first_row",
    [
        ["张三", "13800001111", "门口的工地整天扬尘"],
        ["备注", "王五"],
        ["扬尘"],
        ["zhang", "13800001111"],
        [7, 13800001111],
    ],
)
def test_a_citizens_data_in_place_of_headers_is_not_named(first_row: list[object]) -> None:
    with pytest.raises(InputFileError) as caught:
        find_columns(first_row, "x.csv")
    told = str(caught.value)
    assert f"Cells in its first row: {len(first_row)}," in told
    assert "内容" in told
    assert not any(str(cell) in told for cell in first_row if cell not in ("备注", 7))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-03-01", "2026-03-01T00:00:00+08:00"),
        ("2026-3-1", "2026-03-01T00:00:00+08:00"),
        ("2026/3/1 9:05", "2026-03-01T09:05:00+08:00"),
        ("2026-03-01 09:05:07", "2026-03-01T09:05:07+08:00"),
        ("2026-03-01T09:05:07.5", "2026-03-01T09:05:07.500000+08:00"),
        ("2026-03-01T01:05Z", "2026-03-01T01:05:00+00:00"),
        (dt.date(2026, 3, 1), "2026-03-01T00:00:00+08:00"),
        (dt.datetime(2026, 3, 1, 9), "2026-03-01T09:00:00+08:00"),
        (dt.datetime(2026, 3, 1, 1, tzinfo=dt.UTC), "2026-03-01T01:00:00+00:00"),
        (" ", None),
        ("1714521600", "received_at"),
        (45_000, "received_at"),
        (45_000.5, "received_at"),
    ],
)
def test_times_of_tables(value: object, expected: str | None) -> None:
    content = row_from(1, {"text": "a", "received_at": value}).content
    if isinstance(content, RowError):
        assert [fault.field for fault in content.faults] == [expected]
    else:
        time = content.received_at
        assert (time and time.isoformat()) == expected
