"""Where a hit stands: clause and sentence limits, and contexts in which it does not count.

A clause of a message is short and its markers come first in Chinese, so each check reads only
the clause of the hit: 并未受伤 (negation), 如果有人受伤 (hypothesis), 听说有人受伤 (quotation).
Speech in quotation marks is not cancelled: a threat that is quoted was made. A title in 《》 is.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from typing import Final

from triage.rules.schema import Scope

# After normalisation these are the only forms left of full-width marks.
_SENTENCE_END: Final = re.compile(r"[。!?;…\n]")
_CLAUSE_END: Final = re.compile(r"[。!?;…\n,: ]")

# How far back a clause is read; longer clauses in real messages are enumerations.
_REACH = 30

# A marker must stand close: 没有(人)受伤 denies, 没有及时处理导致多人受伤 does not.
_NEGATION: Final = re.compile(
    r"(?:并没有|并没|并未|并非|并无|从未|从没|没有|未曾|不曾|尚未|不存在|不会|不可能|不是|未发生|没发生)"
    r"(?P<gap>[^的]{0,3})$|[不没未无非](?:被|有|再)?$"
)
_NOT_DENYING: Final = re.compile(r"办法|及时|处理|管|解决|得到|因为|由于|导致|但|地方")
_DOUBLE: Final = re.compile(r"(?:不得不|无不|不能不|是不是|难道不|岂不)[^,]{0,3}$")

_HYPOTHESIS: Final = re.compile(
    r"如果|假如|假若|假设|假使|倘若|要是|万一|若是|如若|一旦|除非|哪怕|即使|以防|以免|防止|避免|预防"
    r"|杜绝|防范|会不会|是否会|能不能|可不可以|是不是会|(?<![般宛假倘])若(?![干尔])"
)
_HYPOTHESIS_AFTER: Final = re.compile(r"^[^,。!?;: ]{0,8}的话(?![语题费])")

_QUOTATION: Final = re.compile(
    r"听说|据说|听闻|传闻|传言|据传|网传|谣传|谣言|报道|新闻|比如|例如|譬如|好比|电影|电视剧|案例"
)


def clause_start(text: str, at: int) -> int:
    """The start of the clause that holds `text[at]`, at most `_REACH` characters back."""
    low = max(0, at - _REACH)
    start = low
    for mark in _CLAUSE_END.finditer(text, low, at):
        start = mark.end()
    return start


def clause_ends(text: str) -> list[int]:
    """Where the marks stand that end a clause, in order."""
    return [mark.start() for mark in _CLAUSE_END.finditer(text)]


def sentence_ends(text: str) -> list[int]:
    """Where the marks stand that end a sentence, in order."""
    return [mark.start() for mark in _SENTENCE_END.finditer(text)]


def are_parted(marks: Sequence[int], left_end: int, right_start: int) -> bool:
    """Whether one of `marks`, which are in order, stands between two spans."""
    return bisect_left(marks, left_end) < bisect_left(marks, right_start)


def _is_denied(before: str) -> bool:
    match = _NEGATION.search(before)
    if match is None or _DOUBLE.search(before):
        return False
    return not _NOT_DENYING.search(match["gap"] or "")


def _is_title(text: str, start: int, end: int) -> bool:
    opened = text.rfind("《", max(0, start - _REACH), start)
    if opened < 0 or "》" in text[opened:start]:
        return False
    return "》" in text[end : end + _REACH]


def cancelled_by(text: str, start: int, end: int, scopes: tuple[Scope, ...]) -> Scope | None:
    """The first of `scopes` that cancels the hit `text[start:end]`, if any."""
    before = text[clause_start(text, start) : start]
    for scope in scopes:
        if scope is Scope.NEGATION:
            cancelled = _is_denied(before)
        elif scope is Scope.HYPOTHESIS:
            after = text[end : end + 12]
            cancelled = bool(_HYPOTHESIS.search(before) or _HYPOTHESIS_AFTER.search(after))
        else:
            cancelled = bool(_QUOTATION.search(before)) or _is_title(text, start, end)
        if cancelled:
            return scope
    return None
