"""Decisions as people read them in a terminal, in Chinese."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from io import StringIO
from typing import Final, Literal

from rich.console import Console, ConsoleRenderable, Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from triage.io import Outcome, RowError
from triage.labels import (
    DEPARTMENT_NAMES,
    REASON_NAMES,
    REVIEW_REASON_NAMES,
)
from triage.rules.explain import LABEL_NAMES
from triage.types import Decision, Message

_URGENT: Final = frozenset(reason.value for reason in REASON_NAMES)
_BAR: Final = 24
Colours = Literal["auto", "standard", "256", "truecolor", "windows"]


def visible(text: str) -> str:
    """`text` with each character that could steer the terminal replaced by a dot; same length."""
    return "".join(
        "·" if unicodedata.category(char) in ("Cc", "Cf", "Co", "Cs") and char != "\n" else char
        for char in text
    )


def marked(text: str, spans: list[tuple[int, int, str]]) -> Text:
    """`text` with spans (start, end, label) marked: red for urgency, green for departments."""
    shown = Text(visible(text))
    for start, end, label in spans:
        shown.stylize("bold red" if label in _URGENT else "bold green", start, end)
    return shown


def _urgency(decision: Decision) -> Text:
    reasons = "、".join(REASON_NAMES[reason] for reason in decision.urgency.reasons)
    if not decision.urgent:
        return Text(f"否（概率 {decision.urgency.score:.2f}）")
    return Text(f"是（概率 {decision.urgency.score:.2f}） {reasons}", style="bold red")


def _review(decision: Decision) -> Text:
    causes = "、".join(REVIEW_REASON_NAMES[cause] for cause in decision.review_reasons)
    return Text(f"需要：{causes}", style="yellow") if decision.needs_review else Text("不需要")


def _summary(decision: Decision) -> Table:
    table = Table.grid(padding=(0, 2))
    for department, share in sorted(decision.probabilities.items(), key=lambda p: -p[1]):
        chosen = department is decision.department
        name = Text(DEPARTMENT_NAMES[department], style="bold green" if chosen else "")
        mark = "部门" if chosen else "次选" if department is decision.second else ""
        table.add_row(mark, name, f"{share:.3f} " + "█" * round(share * _BAR))
    if decision.department_set is not None:
        names = "、".join(DEPARTMENT_NAMES[name] for name in decision.department_set)
        table.add_row("范围", names, "")
    table.add_row("紧急", _urgency(decision), "")
    table.add_row("复核", _review(decision), "")
    if decision.truncated:
        table.add_row("长文", "模型只看首尾，规则看全文", "")
    return table


def _evidence(decision: Decision) -> Table:
    table = Table("依据", "指向", "规则", "分量", box=None)
    for item in decision.evidence:
        where = "标题" if item.field == "title" else "正文"
        table.add_row(
            Text(f"{visible(item.text)}（{where} {item.start}–{item.end}）"),
            LABEL_NAMES[item.label],
            Text(item.rule or item.source),
            f"{item.weight:.2f}",
        )
    return table


def show_decision(outcome: Outcome) -> None:
    """Print one decision with the message and what spoke for it."""
    message, decision = outcome.row.content, outcome.result
    assert isinstance(message, Message)
    assert isinstance(decision, Decision)
    parts = []
    for field, text in (("title", message.title), ("text", message.text)):
        if text:
            spans = [(e.start, e.end, e.label) for e in decision.evidence if e.field == field]
            parts.append(marked(text, spans))
    versions = decision.versions
    footer = f"{versions.model}  {versions.rulebook}  normaliser {versions.normaliser}"
    blocks: list[ConsoleRenderable] = [Panel(Group(*parts), title="留言"), _summary(decision)]
    if decision.evidence:
        blocks.append(_evidence(decision))
    Console().print(Group(*blocks, Text(footer, style="dim")))


def shown_lines(outcomes: Iterable[Outcome], *, width: int, colours: Colours | None) -> bytes:
    """One line for each row of a file, as a terminal of `width` columns shows them."""
    text = StringIO()
    console = Console(
        file=text, force_terminal=True, width=width, color_system=colours, legacy_windows=False
    )
    for outcome in outcomes:
        console.print(_line(outcome))
    return text.getvalue().encode("utf-8", "replace")


def _line(outcome: Outcome) -> Text:
    row, result = outcome.row, outcome.result
    line = Text().append(f"{row.number:>6}  ", style="dim")
    if isinstance(result, RowError):
        line.append(f"{result.code}: {result.detail}", style="red")
    else:
        line.append(f"{DEPARTMENT_NAMES[result.department]}  ", style="green")
        line.append(f"{result.probabilities[result.department]:.2f}  ")
        if result.urgent:
            reasons = "、".join(REASON_NAMES[reason] for reason in result.urgency.reasons)
            line.append(f"紧急 {reasons}  ", style="bold red")
        if result.needs_review:
            line.append(
                f"复核 {'、'.join(REVIEW_REASON_NAMES[r] for r in result.review_reasons)}  "
            )
    return line.append(visible(row.id or ""), style="dim")
