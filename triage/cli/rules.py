"""`triage rules`: for rule owners, so in Chinese where they read."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from triage.cli.loading import JsonOption, RulebookOption
from triage.cli.registry import add_commands

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.table import Table

    from triage.rules.check import CheckReport
    from triage.rules.explain import Explained, Explanation

app = typer.Typer(
    help="Rulebooks 规则库：检查、试验、登记、启用。", no_args_is_help=True, rich_markup_mode=None
)
add_commands(app, "rulebook", "规则库")

RulebookArgument = Annotated[
    Path | None,
    typer.Argument(
        metavar="[RULEBOOK]",
        envvar="TRIAGE_RULEBOOK",
        help="Rulebook file or directory 规则库文件或目录 [default: the embedded one].",
        show_default=False,
    ),
]


@app.command("check")
def check(rulebook: RulebookArgument = None, as_json: JsonOption = False) -> None:
    """Check a rulebook: format, patterns, its own examples, contradictions (检查规则库).

    Exit codes: 0 it can go live (there may be warnings); 2 it has errors.
    """
    from triage.rules import DEFAULT_RULEBOOK
    from triage.rules.check import check as run

    report = run(rulebook or DEFAULT_RULEBOOK)
    if as_json or not sys.stdout.isatty():
        typer.echo(json.dumps(asdict(report) | {"ok": report.ok}, ensure_ascii=False, indent=2))
    else:
        _show_report(report)
    raise typer.Exit(0 if report.ok else 2)


@app.command("explain")
def explain(
    text: Annotated[str, typer.Argument(help="A message 留言文本.", show_default=False)],
    title: Annotated[
        str | None, typer.Option(help="Title of the message 留言标题.", show_default=False)
    ] = None,
    rulebook: RulebookOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show which rules hit a message, which nearly did, and why not (试验规则)."""
    from triage.io import message_from
    from triage.rules import RuleEngine
    from triage.rules.explain import explain as run

    message = message_from({"text": text, "title": title})
    engine = RuleEngine.load(rulebook) if rulebook else RuleEngine.default()
    explanation = run(engine, message.title, message.text)
    if as_json or not sys.stdout.isatty():
        typer.echo(json.dumps(asdict(explanation), ensure_ascii=False, indent=2))
    else:
        _show_explanation(explanation)


@app.command("schema")
def schema() -> None:
    """Print the JSON Schema of the rulebook format, for editors (供编辑器使用的格式定义)."""
    from triage.rules.schema import json_schema

    typer.echo(json_schema(), nl=False)


def _show_report(report: CheckReport) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from triage.rules.explain import LABEL_NAMES

    table = Table("指向", "规则数", box=None)
    for label, count in report.counts.items():
        table.add_row(f"{LABEL_NAMES[label]} {label}", str(count))
    console = Console()
    console.print(table)
    for finding in report.findings:
        severe = finding.severity == "error"
        mark = Text("错误 " if severe else "注意 ", style="bold red" if severe else "yellow")
        console.print(mark.append(str(finding), style="default"))
    errors = sum(finding.severity == "error" for finding in report.findings)
    verdict = "可以启用" if report.ok else "不能启用，请先改正错误"
    console.print(
        Text(
            f"{report.version}：{sum(report.counts.values())} 条规则，{report.examples} 个例句，"
            f"{errors} 处错误，{len(report.findings) - errors} 处注意。{verdict}。"
        )
    )


def _rows(title: str, items: Iterable[Explained]) -> Table:
    from rich.table import Column, Table
    from rich.text import Text

    from triage.cli.show import visible
    from triage.rules.explain import LABEL_NAMES, REJECTION_NAMES

    rule = Column("规则", overflow="fold")
    table = Table(rule, "指向", "分量", "命中", "说明", title=title, title_justify="left")
    for item in items:
        where = "标题" if item.field == "title" else "正文"
        why = REJECTION_NAMES[item.rejected] if item.rejected else item.note
        table.add_row(
            Text(item.rule),
            LABEL_NAMES[item.label],
            f"{item.weight:g}",
            Text(f"{visible(item.text)}（{where} {item.start}–{item.end}）"),
            Text(why),
        )
    return table


def _show_explanation(explanation: Explanation) -> None:
    from rich.console import Console
    from rich.text import Text

    from triage.rules.explain import LABEL_NAMES

    console = Console()
    outcome = explanation.outcome
    top = LABEL_NAMES[outcome.top] if outcome.top else "没有规则发声"
    urgent = "、".join(LABEL_NAMES[reason.value] for reason in outcome.reasons) or "无"
    console.print(Text(f"规则意见：{top}；紧急理由：{urgent}"))
    if outcome.override:
        console.print(Text(f"override 指定：{LABEL_NAMES[outcome.override.value]}"))
    console.print(_rows("计入的规则", explanation.hits))
    if explanation.near_misses:
        console.print(_rows("出现了短语但没有计入的规则", explanation.near_misses))
    console.print(Text(explanation.version, style="dim"))
