"""`triage classify`: a text, a file, or JSON lines from standard input."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from triage.cli.loading import BundleOption, JsonOption, RulebookOption, Task

if TYPE_CHECKING:
    from triage.cli.destination import Destination

_STDIN = "-"


class EngineName(StrEnum):
    """What runs a file."""

    LOCAL = "local"
    RAY = "ray"


def classify(
    context: typer.Context,
    what: Annotated[
        str,
        typer.Argument(
            metavar="TEXT|FILE|-",
            help="A message 留言文本; a .jsonl, .csv, .tsv, .xlsx or .parquet file; "
            "or - for JSON lines from standard input.",
            show_default=False,
        ),
    ],
    title: Annotated[
        str | None, typer.Option(help="Title of the message 留言标题.", show_default=False)
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="Write to this file; the extension (.jsonl, .csv, .xlsx, .parquet) names the "
            "format. It appears only when complete; interrupted, the same command goes on.",
            show_default=False,
        ),
    ] = None,
    as_json: JsonOption = False,
    with_text: Annotated[
        bool,
        typer.Option("--with-text", help="Put title and text into tables (.csv, .xlsx, .parquet)."),
    ] = False,
    explain: Annotated[
        bool,
        typer.Option(
            "--explain",
            help="Quote the clauses that the encoder leaned on, found by leaving each out in turn "
            "(逐句遮去，找出起作用的句子). Takes up to 25 times as long.",
        ),
    ] = False,
    workers: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Processes for a file 进程数 [default: one a core]; few rows need but one. "
            "With 1, rows of standard input are answered one by one.",
            show_default=False,
        ),
    ] = None,
    restart: Annotated[
        bool,
        typer.Option(
            "--restart",
            help="Begin anew where an earlier run has left an unfinished output 从头开始. "
            "Without it the same command goes on after the rows that are there.",
        ),
    ] = False,
    engine: Annotated[
        EngineName,
        typer.Option(
            help="ray: FILE and -o are folders of .jsonl or .parquet files, which the machines of "
            "a Ray cluster share (分布式); needs the extra ray.",
        ),
    ] = EngineName.LOCAL,
    bundle: BundleOption = None,
    rulebook: RulebookOption = None,
) -> None:
    """Decide department and urgency (判断部门与紧急程度).

    Tables need a column text (内容, 正文) and may have id (编号), title (标题), channel (渠道) and
    received_at (时间). A row that cannot be classified comes out with its error; the others go on.

    Exit codes: 0 all classified; 1 some have an error instead; 2 wrong usage, file, bundle or
    rulebook; 130 interrupted.
    """
    from triage.cli.destination import Destination

    task = Task(context.obj, bundle, rulebook, explain)
    human = sys.stdout.isatty() and not as_json
    to = Destination(output, with_text=with_text, human=human, restart=restart)
    if title is not None and (engine is EngineName.RAY or what == _STDIN or _is_file(what)):
        raise typer.BadParameter("it belongs to a text, not to a file", param_hint="--title")
    if output is not None and _is_same(what, output):
        raise typer.BadParameter(
            "it is the input, whose messages would be lost; name another", param_hint="-o"
        )
    if engine is EngineName.RAY:
        if output is None:
            raise typer.BadParameter("the parts need a folder; name it", param_hint="-o")
        from triage.cli.bulk_ray import classify_folder

        failed = classify_folder(Path(what), task, to, workers)
    elif what == _STDIN or _is_file(what):
        from triage.cli.bulk import classify_file
        from triage.host import cores

        file = None if what == _STDIN else Path(what)
        failed = classify_file(file, task, to, workers or cores())
    else:
        failed = _classify_text(what, title, task, to)
    raise typer.Exit(1 if failed else 0)


def _is_file(what: str) -> bool:
    try:
        return Path(what).is_file()
    except (OSError, ValueError):
        return False  # a long text is no name of a file


def _is_same(what: str, output: Path) -> bool:
    try:
        return output.exists() and output.samefile(what)
    except (OSError, ValueError):
        return False  # what is a text


def _classify_text(what: str, title: str | None, task: Task, to: Destination) -> int:
    from triage.io import (
        InputRow,
        InvalidRecordError,
        RowError,
        classify_rows,
        format_of,
        known_format,
        message_from,
        write_output,
    )
    from triage.io.jsonl import to_line

    if format_of(Path(what)) is not None and not what.strip().count("\n"):
        raise typer.BadParameter(f"there is no file {what}", param_hint="FILE")
    if to.path:
        known_format(to.path)
    record = {"text": what} if title is None else {"text": what, "title": title}
    try:
        row = InputRow(1, None, message_from(record))
    except InvalidRecordError as error:
        row = InputRow(1, None, RowError.of(error))
    loaded = task.loaded()
    (outcome,) = classify_rows([row], loaded.classify)
    if isinstance(outcome.result, RowError):
        print(f"{outcome.result.code}: {outcome.result.detail}", file=sys.stderr)
    if to.path:
        write_output(to.path, [outcome], loaded.versions, with_text=to.with_text)
    elif not to.human:
        sys.stdout.buffer.write(to_line(outcome))
    elif not isinstance(outcome.result, RowError):
        from triage.cli.show import show_decision

        show_decision(outcome)
    return int(isinstance(outcome.result, RowError))
