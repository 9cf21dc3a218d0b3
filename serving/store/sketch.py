"""What a text is like, in 260 bytes: two sketches tell how much of two texts is the same.

MinHash (Broder 1997) over runs of three characters, with rensa's R-MinHash (after Dahlgaard,
Knudsen & Thorup 2017, "Fast similarity sketching"): the same on every machine and in every process.
Of each of 128 slots 16 bits are kept, so that two slots are equal by chance once in 65,536. Texts
that are alike meet in a band, which is three slots in a row: 32 bands find 0.76 of the pairs that
have 0.35 in common, 0.99 of those with 0.5 (1 - (1 - s³)^32) and 1 in 4,000 of those with 0.02, as
unrelated texts have.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from rensa import RMinHash
from sqlalchemy import Connection, delete, select

from serving.store.tables import bands, sketches
from triage.normalise import normalise

VERSION: Final = RMinHash.ALGORITHM_VERSION
"""Goes into every signature: those of another algorithm are like nothing."""
NEAR: Final = 0.35
"""Two texts with so much in common are about the same matter."""
_NEAR_SHORT: Final = 0.6
_SHORT: Final = 30
_GRAM: Final = 3
_SLOTS: Final = 128
_SEED: Final = 7
BANDS: Final = 32
_WIDTH: Final = 3
_PAGE: Final = 500

_RUN: Final = re.compile(r"[^\W_]+")
# What everybody writes says nothing about the matter, and is half of a short message.
_COURTESIES: Final = re.compile(
    r"尊敬的[^,。!?:;\n]{0,12}?(?:领导|检察官|检察长|书记|市长|县长|区长)们?"
    r"|[您你]们?好|此致|敬礼|打扰了|(?:万分|非常|十分|不胜)?(?:感谢|谢谢|感激)[您你]?们?"
    r"|恳请[^,。!?;]{0,25}"
    r"|(?:希?望|请求?)[^,。!?;]{0,6}(?:领导|部门|检察院|检察机关|检察官|贵院)[^,。!?;]{0,25}"
    r"|(?:尽快)?给(?:我们|老百姓|我)[^,。!?;]{0,4}(?:答复|公道|说法)"
    r"|维护我们?的?合法权益"
)

Slots = NDArray[np.uint16]


def grams(title: str | None, body: str) -> set[str]:
    """The runs of three letters, digits or characters of title and body; courtesies left out."""
    found: set[str] = set()
    for part in (title, body):
        text = _COURTESIES.sub(" ", normalise(part).text) if part else ""
        solid = "".join(_RUN.findall(text))
        if solid:
            found.update(solid[at : at + _GRAM] for at in range(max(1, len(solid) - _GRAM + 1)))
    return found


def signature(title: str | None, body: str) -> bytes:
    """The sketch of a message; empty where it says nothing beyond courtesies."""
    found = grams(title, body)
    if not found:
        return b""
    sketch = RMinHash(_SLOTS, _SEED)
    sketch.update(list(found))
    head = [VERSION, min(len(found), 0xFFFF)]
    slots = np.array(sketch.digest(), dtype=np.uint32).astype(np.uint16)
    return np.concatenate([np.array(head, dtype=np.uint16), slots]).astype("<u2").tobytes()


def table(signatures: Sequence[bytes]) -> Slots:
    """Signatures as rows; those that are empty or of another version are like nothing."""
    whole = 2 * (_SLOTS + 2)
    head = VERSION.to_bytes(2, "little")
    blank = bytes(whole)
    usable = [s if len(s) == whole and s[:2] == head else blank for s in signatures]
    return np.frombuffer(b"".join(usable), dtype="<u2").reshape(-1, _SLOTS + 2)


def similarity(one: bytes, others: Slots) -> NDArray[np.float64]:
    """Estimated share of what two texts have in common (Jaccard), of one text and each row.

    The standard error is 0.04 near the threshold.
    """
    own = table([one])[0]
    if not own[0]:
        return np.zeros(len(others))
    same: NDArray[np.float64] = (others[:, 2:] == own[2:]).mean(axis=1)
    return np.where(others[:, 0] == own[0], same, 0.0)


def thresholds(one: bytes, others: Slots) -> NDArray[np.float64]:
    """How similar each must be to be about the same matter.

    Short texts must be nearly equal: 盗窃罪的量刑标准是什么 and 诈骗罪的量刑标准是什么 have half in
    common and are two matters.
    """
    short = np.minimum(others[:, 1], table([one])[0][1]) < _SHORT
    return np.where(short, _NEAR_SHORT, NEAR)


def band_keys(one: bytes) -> list[int]:
    """The bands of a signature, as numbers: number of the band and its three slots."""
    own = table([one])[0]
    if not own[0]:
        return []
    version = int(own[0]) % 128 << 54
    parts = own[2 : 2 + BANDS * _WIDTH].reshape(BANDS, _WIDTH).tolist()
    return [
        version + (at << 48) + (first << 32) + (second << 16) + third
        for at, (first, second, third) in enumerate(parts)
    ]


def remove(connection: Connection, numbers: Sequence[int]) -> None:
    """Take messages out: whoever has the sketch of a text can tell whether a text is that one."""
    for start in range(0, len(numbers), _PAGE):
        page = list(numbers[start : start + _PAGE])
        chosen = select(sketches).where(sketches.c.message_id.in_(page))
        for row in connection.execute(chosen).all():
            gone = delete(bands).where(bands.c.hash.in_(band_keys(row.signature)))
            connection.execute(gone.where(bands.c.message_id == row.message_id))
        connection.execute(delete(sketches).where(sketches.c.message_id.in_(page)))
