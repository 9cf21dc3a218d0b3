"""Places that a text names, by a rule that anybody can follow.

The text is cut at punctuation and at words that stand before places but are in no name (在, 位于,
的, 举报 …). What then begins with two to five characters and 省, 市, 县, 区, 镇, 乡, 村, 街道 or
the like is a name, and so is what follows it at once in the same manner: 青石县柳沟镇石坝村 names
three. Kinds of places, such as 农贸市场 or 高速公路, are no names.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from triage.normalise import normalise

_CUT: Final = re.compile(
    "举报|反映|投诉|咨询|关于|位于|住在|家住|来自|属于|请问|请求|希望|今年|去年|前年|附近|旁边|门口|之间|因为|由于"
    "|[在从到向往至对经由被把是的和与及或跟同我你您他她们家这那本该全各每某个整有为去来了去住距离"
    "给让而说即且但以将所再请等能可用非由什如最"
    "一二三四五六七八九十两几多0-9]|[^\u4e00-\u9fff]+"
)
_NAME: Final = re.compile(
    "[\u4e00-\u9fff]{2,5}?"
    "(?:自治区|自治州|自治县|特别行政区|开发区|街道办?|社区|小区|新村|大道|[省市县区旗镇乡村路街巷])"
    "(?![场监民长委])"
)
_KINDS: Final = re.compile(
    "(?:公路|道路|马路|铁路|线路|网路|思路|出路|半路|修路|超市|城市|农村|乡村|新农村|城镇|乡镇|地区|辖区"
    "|山区|园区|校区|景区|城区|市区|郊区|老区|厂区|库区|灾区|镇区|街区|保护区|省市|上街|逛街|走路)$"
)


@lru_cache(maxsize=2_048)
def names(text: str) -> tuple[str, ...]:
    """The places that a text names, in order, each once."""
    found: dict[str, None] = {}
    for piece in _CUT.split(normalise(text).text):
        at = 0
        while match := _NAME.match(piece or "", at):
            at = match.end()
            if not _KINDS.search(match[0]):
                found[match[0]] = None
    return tuple(found)


def common(texts: Iterable[str], most: int = 5) -> tuple[str, ...]:
    """The places that most of the texts name; of several texts, what only one names is left out."""
    counted: Counter[str] = Counter()
    number = 0
    for number, text in enumerate(texts, 1):  # noqa: B007 - the last one is their number
        counted.update(names(text))
    least = 2 if number > 1 else 1
    return tuple(name for name, times in counted.most_common(most) if times >= least)
