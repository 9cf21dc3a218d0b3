"""The rulebook format: what a rule owner may write, and the JSON Schema that editors use.

A rulebook is one YAML file, or a directory whose `*.yaml` files are merged. Exactly one file
carries the header (`rulebook: {name, version}`). Texts for rule owners are in Chinese; the
format itself is explained in `docs/rulebook.zh-CN.md`. After a change here, write the output of
`json_schema()` to `rulebook.schema.json`; a test compares them.
"""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from triage.labels import DEPARTMENTS, NONE, REASONS
from triage.types import Department, Reason

MIN_WEIGHT = 0.1
MAX_WEIGHT = 10.0
MAX_PHRASE_CHARS = 40
MAX_DISTANCE = 200

# An urgency reason counts when its rules' weights add up to this (`RuleOutcome.reasons`).
URGENT_THRESHOLD = 1.0


class Scope(StrEnum):
    """Contexts that cancel a hit (`triage.rules.scope`)."""

    NEGATION = "negation"
    HYPOTHESIS = "hypothesis"
    QUOTATION = "quotation"


class Label(StrEnum):
    """Everything a rule may speak for: four departments, `none`, seven urgency reasons."""

    CIVIL = Department.CIVIL.value
    ADMINISTRATIVE = Department.ADMINISTRATIVE.value
    PUBLIC_INTEREST = Department.PUBLIC_INTEREST.value
    COMPLAINTS = Department.COMPLAINTS.value
    NONE = NONE
    LIFE_SAFETY = Reason.LIFE_SAFETY.value
    MINOR_HARM = Reason.MINOR_HARM.value
    MASS_INCIDENT = Reason.MASS_INCIDENT.value
    DEADLINE = Reason.DEADLINE.value
    LIVELIHOOD = Reason.LIVELIHOOD.value
    ONGOING_HARM = Reason.ONGOING_HARM.value
    EVIDENCE_LOSS = Reason.EVIDENCE_LOSS.value


DEPARTMENT_LABELS = frozenset(d.value for d in DEPARTMENTS)
REASON_LABELS = frozenset(r.value for r in REASONS)

Phrase = Annotated[str, StringConstraints(min_length=1, max_length=MAX_PHRASE_CHARS)]
Phrases = Annotated[tuple[Phrase, ...], Field(min_length=1)]
Within = (
    Annotated[int, Field(ge=0, le=MAX_DISTANCE, strict=True)]
    | Literal["clause", "sentence", "message"]
)


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Group(_Value):
    """Phrases of which one must (or, under `without`, must not) occur near the hit.

    A bare phrase or a bare list of phrases is short for a group within the same sentence.
    """

    any: Phrases = Field(description="短语，命中其中一个即可")
    within: Within = Field(
        default="sentence",
        description="与命中处的距离：字数，或 clause（同一小句）、sentence（同一句）、"
        "message（整条留言，含标题）",
    )


class Examples(_Value):
    """Sentences written by the rule's author that the rule must hit or must leave alone."""

    hit: tuple[str, ...] = ()
    miss: tuple[str, ...] = ()


Condition = Phrase | Phrases | Group


def _as_group(item: Condition) -> Group:
    if isinstance(item, Group):
        return item
    return Group(any=(item,) if isinstance(item, str) else item)


class Rule(_Value):
    """One rule. It hits where a phrase of `any` or the `pattern` occurs and all conditions hold.

    However often it hits in one message, its weight counts once.
    """

    id: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")] = Field(
        description="规则编号，全库唯一：小写字母、数字和连字符"
    )
    label: Label = Field(description="部门、none（无可办理事项）或紧急理由")
    weight: float = Field(ge=MIN_WEIGHT, le=MAX_WEIGHT, description="分量，0.1 至 10")
    note: Annotated[str, StringConstraints(min_length=1)] = Field(
        description="为何有这条规则：引用规范的哪一句"
    )
    author: Annotated[str, StringConstraints(min_length=1)] | None = Field(
        default=None, description="编写人；不写则用本文件的 author"
    )
    any: Annotated[tuple[Phrase, ...], Field()] = Field(
        default=(), description="短语，出现任意一个即命中"
    )
    pattern: Annotated[str, StringConstraints(min_length=1, max_length=500)] | None = Field(
        default=None, description="正则表达式（google-re2 语法），写简体、小写、半角"
    )
    with_: tuple[Condition, ...] = Field(
        default=(), alias="with", description="还必须同时出现的短语组，每组至少命中一个"
    )
    without: tuple[Condition, ...] = Field(default=(), description="一出现就取消命中的短语组")
    whole_word: bool = Field(default=False, strict=True, description="只认完整的词")
    scope: tuple[Scope, ...] | None = Field(
        default=None,
        description="哪些语境取消命中：negation 否定、hypothesis 假设、quotation 转述。"
        "不写时，紧急理由三种都取消，部门和 none 都不取消",
    )
    field: Literal["any", "title", "text"] = Field(default="any", description="在哪里找")
    override: bool = Field(
        default=False, strict=True, description="直接指定部门，即使模型意见不同；慎用"
    )
    examples: Examples = Field(default=Examples(), description="正反例句，自己编写")

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        if not self.any and self.pattern is None:
            raise ValueError("既没有 any 也没有 pattern，永远不会命中。请至少写一个短语")
        if self.override and self.label.value not in DEPARTMENT_LABELS:
            raise ValueError("override 只能用于四个部门。请删去 override，或改 label")
        return self

    @property
    def required(self) -> tuple[Group, ...]:
        """The groups of `with`, shorthand expanded."""
        return tuple(map(_as_group, self.with_))

    @property
    def excluded(self) -> tuple[Group, ...]:
        """The groups of `without`, shorthand expanded."""
        return tuple(map(_as_group, self.without))

    @property
    def cancelled_by(self) -> tuple[Scope, ...]:
        """The scope, with the default of the rule's kind of label."""
        if self.scope is not None:
            return self.scope
        return tuple(Scope) if self.label.value in REASON_LABELS else ()


class Header(_Value):
    """Names the rulebook. Change `version` with every edit that goes live."""

    name: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
    version: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,32}$")]


class RuleFile(_Value):
    """One YAML file of a rulebook."""

    rulebook: Header | None = Field(default=None, description="规则库名称和版本，全库只写一次")
    author: Annotated[str, StringConstraints(min_length=1)] | None = Field(
        default=None, description="本文件规则的编写人"
    )
    rules: tuple[Rule, ...] = ()


class Rulebook(_Value):
    """All files merged, ids unique, every rule with an author."""

    header: Header
    rules: Annotated[tuple[Rule, ...], Field(min_length=1)]


def json_schema() -> str:
    """The JSON Schema of a rulebook file, as committed for editors."""
    schema = RuleFile.model_json_schema(by_alias=True)
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    return json.dumps(schema, ensure_ascii=False, indent=2, sort_keys=True) + "\n"
