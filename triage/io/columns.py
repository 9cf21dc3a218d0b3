"""Find the columns of a table, under English or Chinese headers, and build messages from cells."""

from __future__ import annotations

import contextlib
import datetime as dt
import re
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
_TIMES: Final = ("%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M", "%Y/%m/%d",
                 "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d",
                 "%Y年%m月%d日 %H:%M:%S", "%Y年%m月%d日 %H:%M", "%Y年%m月%d日")  # fmt: skip
_SHOWN: Final = 20
# What reads like a header: a plain name, or a word of Chinese forms.
_HEADER: Final = re.compile(
    r"[a-z_]{1,24}|(?:留言|来信|信件|工单|诉求|问题|来源|联系|申请|投诉|举报|受理|办理|处理|回复|承办|所属"
    r"|责任|登记|提交|用户)?(?:人|编号|序号|内容|详情|正文|标题|主题|时间|日期|姓名|名称|电话|手机号?|方式|地址|渠道"
    r"|来源|部门|单位|地区|类型|类别|分类|状态|结果|意见|附件|备注|说明)"
)


def _folded(header: object) -> str:
    return "".join(unicodedata.normalize("NFKC", str(header or "")).lower().split())


def find_columns(headers: Sequence[object], where: str) -> dict[str, int]:
    """Field name → index of its column.

    Raises:
        InputFileError: no column holds the text. The error names those that were found only
            if all read like headers: a file without them has a citizen's data in their place.
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
        others = [names[1] for field, names in ALIASES.items() if field != "text"]
        raise InputFileError(
            f"{where}: no column holds the messages. {_found(headers)} "
            f"Name one of them {', '.join(ALIASES['text'][:4])}; "
            f"optional ones are {', '.join(others)}"
        )
    return columns


def _found(headers: Sequence[object]) -> str:
    names = [name for header in headers if (name := _folded(header))]
    if all(map(_HEADER.fullmatch, names)):
        return f"Columns found: {', '.join(names[:_SHOWN]) or 'none'}."
    return f"Cells in its first row: {len(names)}, which do not all read like column names."


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
        value = _parsed(value.strip())
    if isinstance(value, dt.datetime):
        return value if value.tzinfo else value.replace(tzinfo=_SHANGHAI)
    if isinstance(value, dt.date):
        return dt.datetime.combine(value, dt.time(), _SHANGHAI)
    return value


def _parsed(time: str) -> dt.datetime | str | None:
    with contextlib.suppress(ValueError):
        return dt.datetime.fromisoformat(time)
    for pattern in _TIMES:
        with contextlib.suppress(ValueError):
            return dt.datetime.strptime(time, pattern)
    return time or None


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
