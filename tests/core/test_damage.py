"""Damaged text is found, healthy text is left alone."""

from __future__ import annotations

import pytest

from triage.normalise import is_damaged, normalise

SENTENCE = "检察官您好，我们厂的工资被拖欠了三个月，请帮帮我们。"
TRADITIONAL = "檢察官您好，我們廠的工資被拖欠了三個月，請幫幫我們。"


@pytest.mark.parametrize(
    ("written", "read"),
    [("utf-8", "gb18030"), ("utf-8", "cp1252"), ("utf-8", "latin-1"), ("gb18030", "latin-1"),
     ("gb18030", "big5"), ("utf-8", "big5"), ("gb18030", "utf-8")],
)  # fmt: skip
def test_text_in_the_wrong_encoding_is_damaged(written: str, read: str) -> None:
    garbled = SENTENCE.encode(written).decode(read, "replace")
    assert is_damaged(normalise(garbled))


@pytest.mark.parametrize(
    "text",
    [
        "????????????",
        "我家\ufffd\ufffd\ufffd被\ufffd了",
        "锟斤拷锟斤拷",
        "\ue001\ue002\ue003\ue004",
        "\ufffd\ufffd",
        "浣犲ソ",
        "你好".encode().decode("latin-1"),
    ],
)
def test_lost_characters_are_damage(text: str) -> None:
    assert is_damaged(normalise(text))


@pytest.mark.parametrize(
    "text",
    [SENTENCE, TRADITIONAL, "在吗？？？？？？", "Wi-Fi 信号太差", "café crème brûlée, s'il vous plaît",
     "", "   ", "饕餮、魑魅、魍魉", "请问……", "13800001111", SENTENCE + "？" * 40],
)  # fmt: skip
def test_healthy_text_is_not_damaged(text: str) -> None:
    assert not is_damaged(normalise(text))
