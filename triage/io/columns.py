"""Find the columns of a table, under English or Chinese headers, and build messages from cells."""

from __future__ import annotations

import datetime as dt
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Final

from triage.errors import InputFileError
from triage.io.messages import Fault, InvalidRecordError, message_from
from triage.io.rows import InputRow, RowError

# In order of preference: where a table has two of them, the first counts.
ALIASES: Final[dict[str, tuple[str, ...]]] = {
    "text": ("text", "内容", "正文", "留言内容", "留言详情", "诉求内容", "信件内容", "內容",
             "留言內容", "body", "content"),
    "title": ("title", "标题", "留言主题", "留言标题", "主题", "標題", "主題", "subject"),
    "id": ("id", "编号", "留言编号", "信件编号", "工单编号", "編號", "序号"),
    "channel": ("channel", "渠道", "来源渠道", "来源", "來源"),
    "received_at": ("received_at", "时间", "留言时间", "来信时间", "受理时间", "時間"),
}  # fmt: skip

_SHANGHAI: Final = dt.timezone(dt.timedelta(hours=8))
_TIMES: Final = ("%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M", "%Y/%m/%d", "%Y-%m-%d %H:%M", "%Y-%m-%d",
                 "%Y年%m月%d日 %H:%M:%S", "%Y年%m月%d日 %H:%M", "%Y年%m月%d日")  # fmt: skip
_SHOWN: Final = 20
_SHOWN_CHARS: Final = 16


def _folded(header: object) -> str:
    return "".join(unicodedata.normalize("NFKC", str(header or "")).lower().split())


def find_columns(headers: Sequence[object], where: str) -> dict[str, int]:
    """Field name → index of its column.

    Raises:
        InputFileError: no column holds the text; the error names those that were found.
    """
    at: dict[str, int] = {}
    for index, header in enumerate(headers):
        at.setdefault(_folded(header), index)
    columns = {}
    for field, names in ALIASES.items():
        known = [at[name] for name in names if name in at]
        if known:
            columns[field] = known[0]
    if "text" not in columns:
        # A file without headers has a message in their place: show the beginnings only.
        found = [str(h).strip()[:_SHOWN_CHARS] for h in headers[:_SHOWN] if _folded(h)]
        others = [names[1] for field, names in ALIASES.items() if field != "text"]
        raise InputFileError(
            f"{where}: no column holds the messages. Columns found: {', '.join(found) or 'none'}. "
            f"Name one of them {', '.join(ALIASES['text'][:4])}; "
            f"optional ones are {', '.join(others)}"
        )
    return columns


def _as_text(value: object) -> object:
    """Cells of a sheet may be numbers or dates where a message has text."""
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else str(value)
    if isinstance(value, dt.datetime | dt.date | dt.time):
        return value.isoformat()
    return value


def _as_time(value: object) -> object:
    """A time as spreadsheets write it; without a zone it is meant as Chinese time."""
    if isinstance(value, str):
        value = value.strip()
        for pattern in _TIMES:
            try:
                return dt.datetime.strptime(value, pattern).replace(tzinfo=_SHANGHAI)
            except ValueError:
                continue
        return value or None
    if isinstance(value, dt.datetime) and value.tzinfo is None:
        return value.replace(tzinfo=_SHANGHAI)
    return value


def row_from(number: int, cells: Mapping[str, object]) -> InputRow:
    """The row for the cells of the known fields; other columns are left out before."""
    record: dict[str, object] = {}
    for field, value in cells.items():
        if field in ("text", "title", "id", "channel"):
            value = _as_text(value)
        elif field == "received_at":
            value = _as_time(value)
        if field == "text" and value is None:
            value = ""
        if value is None or (value == "" and field != "text"):
            continue
        record[field] = value
    identifier = record.get("id")
    try:
        message = message_from(record)
    except InvalidRecordError as error:
        return InputRow(number, printable_id(identifier), RowError.of(error))
    return InputRow(number, message.id, message)


def printable_id(value: object) -> str | None:
    """The id of a row that failed, where it is one that can be written out."""
    if not isinstance(value, str) or not 1 <= len(value) <= 128:
        return None
    return value if value.isprintable() else None


def misshapen(number: int, have: int, want: int) -> InputRow:
    """The row for a record with more cells than the header: its text may be cut in pieces."""
    detail = f"has {have} cells where the header has {want}; quote texts that hold separators"
    fault = Fault("row", detail)
    return InputRow(number, None, RowError("invalid_row", f"The row {detail}.", (fault,)))
