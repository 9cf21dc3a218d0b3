"""An invented data directory, small enough to train on in seconds."""

from __future__ import annotations

import itertools
import json
import random
from pathlib import Path

_MATTERS = {
    "civil": (["老板", "包工头", "公司", "房东", "邻居"],
              ["拖欠我三个月工资不给", "不退还押金", "借钱不还", "合同违约不赔", "离婚后不给抚养费"]),
    "administrative": (["街道办", "社保局", "镇政府", "派出所户籍窗口", "交警队"],
                       ["不给办理退休手续", "罚款太重", "征地补偿太低", "不给落户", "不予工伤认定"]),
    "public_interest": (["楼下烧烤店", "化工厂", "工地", "养猪场", "小超市"],
                        ["油烟太大", "偷排污水", "扬尘没人管", "臭气熏天", "卖过期食品"]),
    "complaints": (["村支书", "派出所民警", "法官", "诈骗团伙", "校长"],
                   ["贪污公款", "收受贿赂", "徇私枉法", "骗走村民的钱", "刑讯逼供"]),
}  # fmt: skip
_ENDINGS = ["请检察院管一管。", "请问怎么办？", "希望尽快处理！", "我有证据可以提供。"]
_DANGER = "家里老人断水断电快不行了，"


def rows(seed: int = 0) -> list[dict[str, object]]:
    """400 labelled messages, some urgent, in the format of the labelled files."""
    made: list[dict[str, object]] = []
    for department, (who, what) in _MATTERS.items():
        for number, (a, b, c) in enumerate(itertools.product(who, what, _ENDINGS)):
            urgent = number % 9 == 0
            made.append({
                "id": f"{department}-{number}", "title": b if number % 2 else None,
                "text": f"{_DANGER if urgent else ''}我家附近的{a}{b}，{c}",
                "department": department, "second": None, "urgent": int(urgent),
                "reasons": ["livelihood"] if urgent else [], "sure": 3, "sampled": "natural",
            })  # fmt: skip
    random.Random(seed).shuffle(made)
    return made


def write_data(directory: Path) -> Path:
    """A data directory with labelled train and dev files and a little general text."""
    (directory / "labelled").mkdir(parents=True)
    made = rows()
    for name, part in (("train", made[:340]), ("dev", made[340:])):
        lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in part)
        (directory / "labelled" / f"{name}.jsonl").write_text(lines, encoding="utf-8")
    return directory
