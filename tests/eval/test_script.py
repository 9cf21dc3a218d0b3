from __future__ import annotations

import pytest

from eval.data import Labelled
from eval.script import NEITHER, SIMPLIFIED, TRADITIONAL, in_traditional, script


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("我們村的土地被徵收，補償款一直沒有發。", TRADITIONAL),
        ("我们村的土地被征收，补偿款一直没有发。", SIMPLIFIED),
        ("你好，再来一次。", SIMPLIFIED),
        ("你好，再次打工", NEITHER),
        ("123 abc !", NEITHER),
        ("", NEITHER),
        # A name with a rare form does not make a simplified letter traditional.
        ("张乾坤拖欠我们十二个人的工资已经半年，请问应当向哪个部门反映？", SIMPLIFIED),
        # Nor do a few words quoted in the other script.
        ("我们小区门口的「臺灣小吃」油烟很大，物业说管不了，城管来过两次也没有处理。", SIMPLIFIED),
        # OpenCC would change 里 and 台 here too, but far fewer.
        ("村里的電臺廣播說補償標準改變，請問該找誰？", TRADITIONAL),
        # As much of the one as of the other.
        ("一个请求：請問", SIMPLIFIED),
    ],
)
def test_script_by_what_the_conversion_changes(text: str, expected: str) -> None:
    assert script(text) == expected


def test_converted_message_keeps_all_but_its_characters() -> None:
    record = Labelled(
        id="a", title="欠款问题", text="公司拖欠货款", department="civil", urgent=True
    )
    converted = in_traditional(record)
    assert (converted.title, converted.text) == ("欠款問題", "公司拖欠貨款")
    assert converted.model_copy(update={"title": record.title, "text": record.text}) == record
    assert script(converted.text) == TRADITIONAL
    bare = in_traditional(record.model_copy(update={"title": None}))
    assert bare.title is None
