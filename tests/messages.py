"""Invented messages of mixed lengths, always the same ones."""

from __future__ import annotations

import random

_CLAUSES = (
    "我是村里的一名普通村民", "公司拖欠我们三个月工资", "工地夜里施工噪声很大", "請檢察官幫幫我們",
    "开发商一直不办房产证", "警察不给立案", "河水被化工厂染成黑色", "明天就要强制拆除",
    "孩子在学校门口买到电子烟", "法院把账户全部冻结", "社保断缴了两年没人管", "邻居装修漏水",
    "电话13800000000", "ＡＢＣ公司", "拆.迁.补.偿", "谢谢！！！！", "😀", "请问怎么办理？",
)  # fmt: skip
_LENGTHS = (1, 2, 5, 9, 30, 110, 111, 400, 1_000, 5_000, 19_990)
# Most messages are short: 256 of them fit into one body of 2 MiB.
_WEIGHTS = (4, 4, 8, 16, 64, 64, 32, 48, 12, 3, 1)


def mixed(count: int) -> list[dict[str, str]]:
    """So many messages; one in three has a title."""
    draw = random.Random(20)
    messages = []
    for number, length in enumerate(draw.choices(_LENGTHS, _WEIGHTS, k=count)):
        text = ""
        while len(text) < length:
            text += draw.choice(_CLAUSES) + draw.choice("，。；\n")
        message = {"id": str(number), "text": text[:length].strip() or "好"}
        if number % 3 == 0:
            message["title"] = draw.choice(_CLAUSES)
        messages.append(message)
    return messages
