"""The messages of the benchmark: composed, always the same, as long as real ones are.

Half have at most 110 characters and nine tenths at most 400 (log-normal). The lengths follow a
Weyl sequence, so that any run of messages, however short, has nearly the same mix of lengths: a
slow contestant that answers eighty of them gets no easier ones than a fast one.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from pathlib import Path
from random import Random
from statistics import NormalDist
from typing import Final

from eval.bench.phrases import FIRMS, MIDDLES, OPENINGS, PLACES, REQUESTS, SURNAMES, TOPICS

COUNT: Final = 480
_MEDIAN, _P90 = 110.0, 400.0
_SHORTEST, _LONGEST = 15, 1_800
_GOLDEN: Final = (math.sqrt(5) - 1) / 2
_SPREAD: Final = math.log(_P90 / _MEDIAN) / NormalDist().inv_cdf(0.9)


def length(number: int) -> int:
    """Characters that message `number` (from 0) should have."""
    share = (0.5 + number * _GOLDEN) % 1.0
    wanted = _MEDIAN * math.exp(_SPREAD * NormalDist().inv_cdf(min(max(share, 1e-6), 1 - 1e-6)))
    return round(min(max(wanted, _SHORTEST), _LONGEST))


def _filled(clause: str, draw: Random) -> str:
    return clause.format(
        name=draw.choice(SURNAMES) + draw.choice(("某", "某某", "师傅", "先生", "大姐")),
        place=draw.choice(PLACES),
        firm=draw.choice(FIRMS),
        number=draw.randint(2, 40),
        month=draw.randint(1, 12),
        sum=draw.choice((1, 3, 8, 15, 120)) * draw.randint(10, 99) * 10,
    )


def _shuffled(clauses: tuple[str, ...], draw: Random) -> list[str]:
    return draw.sample(clauses, len(clauses))


def compose(number: int) -> str:
    """Message `number`: within half a clause of its length, on one subject."""
    draw, wanted = Random(number), length(number)
    topic = TOPICS[number % len(TOPICS)]
    pieces = _shuffled(topic, draw)[: 1 if wanted < 2 * _SHORTEST else None]
    if wanted > 60:
        pieces = [draw.choice(OPENINGS), *pieces]
    while sum(map(len, pieces)) < wanted * 1.2 + 60:
        pieces += _shuffled(MIDDLES, draw) + _shuffled(topic, draw)
    parts: list[str] = []
    text = ""
    last = draw.choice(REQUESTS)
    for piece in pieces:
        # A mark after every clause, a full stop after every third.
        mark = "。" if len(parts) % 3 == 2 else "，"
        longer = text + _filled(piece, draw) + mark
        if len(longer) + len(last) + 1 - wanted > wanted - len(text) - len(last) - 1:
            break
        text = longer
        parts.append(piece)
    return f"{text}{last}。" if text else _filled(topic[0], draw) + "。"


def composed(count: int = COUNT) -> list[str]:
    """The first `count` messages."""
    return [compose(number) for number in range(count)]


def write_lines(file: Path, values: Iterable[object]) -> Path:
    """Write each value as a line of JSON; returns the file."""
    lines = [json.dumps(value, ensure_ascii=False) for value in values]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def read_texts(path: Path) -> list[str]:
    """The field `text` of every line of a JSONL file, in an order that mixes the lengths.

    Raises:
        ValueError: a line is no object with a text, or there is none at all.
    """
    texts = []
    for line in path.read_text(encoding="utf-8").splitlines():
        value = json.loads(line) if line.strip() else None
        if value is None:
            continue
        if not isinstance(value, dict) or not isinstance(value.get("text"), str):
            raise ValueError(f"{path}: every line must be an object with a field text")
        texts.append(value["text"])
    if not texts:
        raise ValueError(f"{path} has no messages")
    by_length = sorted(texts, key=len)
    order = sorted(range(len(texts)), key=lambda n: (n * _GOLDEN) % 1.0)
    mixed = [""] * len(texts)
    # The n-th of the Weyl sequence gets the length that its place among all of them stands for.
    for rank, number in enumerate(order):
        mixed[number] = by_length[rank]
    return mixed
