"""Put a rulebook's faults in words that a rule owner understands (in Chinese, as the rules are).

Every fault names the file, the rule where there is one, what is wrong, and what to do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from triage.rules.schema import (
    MAX_DISTANCE,
    MAX_WEIGHT,
    MIN_WEIGHT,
    Examples,
    Group,
    Header,
    Label,
    Rule,
    RuleFile,
)

_SHOWN = 20

# Every key a rule owner may write, in the order of the documentation.
_KEYS: Final[tuple[str, ...]] = tuple(
    dict.fromkeys(
        field.alias or name
        for model in (Rule, Group, Examples, RuleFile, Header)
        for name, field in model.model_fields.items()
    )
)


@dataclass(frozen=True, slots=True)
class Fault:
    """`rule` is the rule's id, or its position when the id itself is at fault."""

    file: str
    rule: str | None
    what: str

    def __str__(self) -> str:
        where = f"{self.file}，规则 {self.rule}" if self.rule else self.file
        return f"{where}：{self.what}"


def summary(faults: Sequence[Fault]) -> str:
    """All faults, one a line, at most twenty."""
    lines = [str(fault) for fault in faults[:_SHOWN]]
    if len(faults) > _SHOWN:
        lines.append(f"……另有 {len(faults) - _SHOWN} 处错误，改正以上后重新检查。")
    return f"规则库有 {len(faults)} 处错误，未启用：\n" + "\n".join(lines)


def _label_help() -> str:
    return "、".join(label.value for label in Label)


def _path(loc: Sequence[str | int]) -> str:
    """A location in words: `“any” 第 2 项`. Names of union branches are left out."""
    words = [
        f"第 {part + 1} 项" if isinstance(part, int) else f"“{part}”"
        for part in loc
        if isinstance(part, int) or part in _KEYS
    ]
    return " ".join(words)


def _by_key(kind: str, loc: Sequence[str | int]) -> str | None:
    """Faults told by where they are: one sentence for whatever is wrong with that key."""
    if "weight" in loc:
        return f"“weight”超出范围或不是数字。请写 {MIN_WEIGHT} 至 {MAX_WEIGHT:g} 之间的数"
    if "within" in loc:
        return f"“within”写错了。请写 0 至 {MAX_DISTANCE} 的整数，或 clause、sentence、message"
    if kind == "enum" and "label" in loc:
        return f"“label”写错了。请从这些里选一个：{_label_help()}"
    return None


# What to do, by Pydantic's error type; `{where}` is the location in words.
_BY_KIND: Final[dict[str, str]] = {
    "enum": "{where}写错了。可用：negation、hypothesis、quotation",
    "string_too_short": "{where}是空的。请写上文字或删去",
    "string_too_long": "{where}太长。请缩短",
    "string_pattern_mismatch": "{where}的写法不对。编号只能用小写字母、数字和连字符，"
    "例如 civil-wages；名称和版本只能用字母、数字、点和连字符",
    "string_type": "{where}不是文字。数字、yes、no、日期等请加引号",
    "tuple_type": "{where}应是一个列表，例如 [拖欠工资, 欠薪]",
    "too_short": "{where}是空列表。请写上短语或删去",
    "bool_type": "{where}只能是 true 或 false",
    "literal_error": "{where}写错了。“field”可用：any、title、text",
}


def _what(error: ErrorDetails, loc: Sequence[str | int]) -> str:
    kind, key = error["type"], str(loc[-1]) if loc else ""
    if kind == "missing":
        return f"缺少“{key}”。请补上"
    if kind == "extra_forbidden":
        known = "、".join(_KEYS)
        return f"不认识的项“{key}”。请检查拼写；可用的项：{known}"
    if kind == "value_error":
        return str(error.get("ctx", {}).get("error", ""))
    where = _path(loc) or "内容"
    general = "{where}的格式不对。请对照说明书检查缩进和冒号"
    return _by_key(kind, loc) or _BY_KIND.get(kind, general).format(where=where)


def from_validation(file: str, error: ValidationError, raw: Mapping[str, object]) -> list[Fault]:
    """The faults of one file. `raw` is the parsed YAML, used to name the rules."""
    faults: dict[Fault, None] = {}
    branches: dict[str | None, Fault] = {}
    for detail in error.errors(include_url=False):
        loc = detail["loc"]
        rule: str | None = None
        if len(loc) >= 2 and loc[0] == "rules" and isinstance(loc[1], int):
            rule = _rule_name(raw, loc[1])
            loc = loc[2:]
        if _is_branch(detail):
            what = f"{_path(loc)}的写法不对。请写短语、[短语, 短语] 或 {{any: […], within: …}}"
            branches.setdefault(rule, Fault(file, rule, what))
        else:
            faults[Fault(file, rule, _what(detail, loc))] = None
    told = {fault.rule for fault in faults}
    return [*faults, *(fault for rule, fault in branches.items() if rule not in told)]


def _is_branch(error: ErrorDetails) -> bool:
    """Whether this says only that one of several ways to write a condition was not taken."""
    loc = error["loc"]
    names = {"constrained-str", "Group", "constrained-int"}
    branch = any(isinstance(p, str) and (p in names or "[" in p) for p in loc)
    return branch and error["type"] in ("string_type", "tuple_type", "model_type")


def _rule_name(raw: Mapping[str, object], index: int) -> str:
    rules = raw.get("rules")
    if isinstance(rules, list) and index < len(rules) and isinstance(rules[index], dict):
        name = rules[index].get("id")
        if isinstance(name, str) and name:
            return name
    return f"（第 {index + 1} 条）"
