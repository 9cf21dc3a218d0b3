"""Invented messages to try the service with: `demo.txt`, choices drawn and blanks filled."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, time, timedelta
from functools import cache
from importlib.resources import files
from typing import Final

from serving.store.deadlines import ZONE
from triage.types import Attachment, Message

DAYS: Final = 14
_SEED: Final = 7
_COUNT: Final = re.compile(r"\*(\d+) +(.*)", re.DOTALL)
_INNERMOST: Final = re.compile(r"\{([^{}]*)\}")
_CHANNELS: Final = ("12309", "e站小程序", "检察服务大厅", "来信", None)
_OFTEN: Final = (4, 9, 2, 2, 1)

_SURNAMES: Final = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧"
_WORDS: Final[dict[str, tuple[str, ...]]] = {
    name: tuple(words.split())
    for name, words in {
        "given": "建国 秀英 志强 桂兰 小军 玉梅 德发 海燕 永福 晓东 金凤 国庆 丽华 长根 春生 彩霞",
        "town": "柳沟镇 清河镇 白石镇 桃花镇 沙湾镇 石桥镇 双塘镇 黑松岭镇",
        "village": "石坝村 大湾村 上塘村 枣林村 黄泥坡村 李家洼 北山村 渡口村",
        "street": "桥头街道 滨湖路 文昌街 育才路 老码头街 南岭大道 纺织路",
        "estate": "滨湖新城 花园小区 锦绣家园 阳光里 云川壹号 东方花城 枫林苑",
        "company": "恒达建筑劳务公司 鸿运实业 永顺建材厂 新月电子有限公司 宏泰置业公司",
        "court": "东湖区法院 青石县人民法院 南岭区法院 云川市中院 滨湖法庭",
        "station": "桥头派出所 柳沟派出所 县公安局刑警队 东湖分局经侦大队 清河派出所",
        "when": "去年三月 去年秋天 今年春节前 前年年底 上个月 今年五月份 国庆节以后",
    }.items()
}


def _number(least: int, most: int) -> Callable[[random.Random], str]:
    return lambda rng: str(rng.randint(least, most))


def _money(rng: random.Random) -> str:
    if rng.random() < 0.5:
        return f"{rng.choice('三五六八')}万{rng.choice(['', '两千', '多'])}元"
    return f"{rng.randint(12, 960) / 10:g}万元"


def _phone(rng: random.Random) -> str:
    """A number of a range that is given to nobody, written as people do."""
    number = f"1990000{rng.randint(0, 9999):04}"
    return rng.choice([number, number, f"{number[:3]}-{number[3:7]}-{number[7:]}"])


def _identity(rng: random.Random) -> str:
    """An identity number of a place that does not exist."""
    born = f"{rng.randint(1945, 2001)}{rng.randint(1, 12):02}{rng.randint(1, 28):02}"
    return f"990{rng.randint(0, 999):03}{born}{rng.randint(0, 999):03}{rng.choice('0123456789X')}"


_BLANKS: Final[dict[str, Callable[[random.Random], str]]] = {
    "person": lambda rng: rng.choice(_SURNAMES) + rng.choice(_WORDS["given"]),
    "surname": lambda rng: rng.choice(_SURNAMES),
    "money": _money,
    "fee": _number(150, 9_800),
    "n": _number(6, 60),
    "phone": _phone,
    "id": _identity,
}


@cache
def templates() -> tuple[str, ...]:
    """The lines of the file, each as often as it is wanted."""
    text = files("serving").joinpath("demo.txt").read_text(encoding="utf-8")
    lines: list[str] = []
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        counted = _COUNT.fullmatch(line)
        lines += [counted[2]] * int(counted[1]) if counted else [line]
    return tuple(lines)


def drawn(template: str, rng: random.Random) -> tuple[str | None, str]:
    """Title and text of a template: choices drawn, blanks filled."""

    def fill(match: re.Match[str]) -> str:
        name = match[1]
        if name in _BLANKS:
            return _BLANKS[name](rng)
        words: Sequence[str] = _WORDS.get(name) or name.split("|")
        return rng.choice(words)

    while (filled := _INNERMOST.sub(fill, template)) != template:
        template = filled
    title, found, text = template.partition(" ## ")
    plain = (text if found else title).replace("\\n", "\n").strip()
    return (title.strip() if found else None), plain


def demo_messages(now: datetime) -> Iterator[Message]:
    """The same messages every time, spread over the last days, the oldest first."""
    rng = random.Random(_SEED)
    made = [drawn(template, rng) for template in templates()]
    rng.shuffle(made)
    moments = sorted(_moment(rng, now) for _ in made)
    for number, ((title, text), at) in enumerate(zip(made, moments, strict=True), start=1):
        pictures = tuple(
            Attachment(name=f"照片{each}.jpg") for each in range(1, rng.choice([1, 1, 1, 2, 4]))
        )
        (channel,) = rng.choices(_CHANNELS, _OFTEN)
        yield Message(
            id=f"demo-{number:03}",
            title=title,
            text=text,
            channel=channel,
            received_at=at,
            attachments=pictures,
        )


def _moment(rng: random.Random, now: datetime) -> datetime:
    """A moment of the last days, seldom at night."""
    day = now.astimezone(ZONE).date() - timedelta(days=rng.randrange(DAYS))
    hour = rng.choices(range(24), [1] * 7 + [5, 9, 12, 12, 9, 6, 6, 9, 10, 9, 8, 6, 7, 8, 7, 4, 2])
    at = datetime.combine(day, time(hour[0], rng.randrange(60), rng.randrange(60)), ZONE)
    return min(at, now - timedelta(minutes=rng.randint(1, 60))).astimezone(now.tzinfo)
