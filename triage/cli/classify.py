"""`triage classify`: a text, a file, or JSON lines from standard input."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from triage.cli.loading import BundleOption, Classify, Explaining, JsonOption, RulebookOption

if TYPE_CHECKING:
    from triage.io import InputRow

_STDIN = "-"


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
            "format. It appears only when complete.",
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
    bundle: BundleOption = None,
    rulebook: RulebookOption = None,
) -> None:
    """Decide department and urgency (判断部门与紧急程度).

    Tables need a column text (内容, 正文) and may have id (编号), title (标题), channel (渠道) and
    received_at (时间). A row that cannot be classified comes out with its error; the others go on.

    Exit codes: 0 all classified; 1 some have an error instead; 2 wrong usage, file, bundle or
    rulebook.
    """
    from triage.io import InputRow, format_of, message_from, open_input
    from triage.io.messages import InvalidRecordError
    from triage.io.rows import RowError

    def load() -> Classify:
        loaded: Explaining = context.obj(bundle, rulebook)
        return partial(loaded, explain=True) if explain else loaded

    human = sys.stdout.isatty() and not as_json
    if output is not None and _is_file(what) and output.exists() and output.samefile(what):
        raise typer.BadParameter(
            "it is the input file, whose messages would be lost; name another", param_hint="-o"
        )
    if what == _STDIN or _is_file(what):
        if title is not None:
            raise typer.BadParameter("it belongs to a text, not to a file", param_hint="--title")
        from triage.cli.bulk import classify_file, standard_input

        with standard_input() if what == _STDIN else open_input(Path(what)) as reader:
            failed = classify_file(reader, load(), output, with_text=with_text, human=human)
        raise typer.Exit(1 if failed else 0)
    if format_of(Path(what)) is not None and not what.strip().count("\n"):
        raise typer.BadParameter(f"there is no file {what}", param_hint="FILE")

    record = {"text": what} if title is None else {"text": what, "title": title}
    try:
        row = InputRow(1, None, message_from(record))
    except InvalidRecordError as error:
        row = InputRow(1, None, RowError.of(error))
    raise typer.Exit(_classify_one(row, load(), output, with_text=with_text, human=human))


def _is_file(what: str) -> bool:
    try:
        return Path(what).is_file()
    except (OSError, ValueError):
        return False  # a long text is no name of a file


def _classify_one(
    row: InputRow, classify: Classify, output: Path | None, *, with_text: bool, human: bool
) -> int:
    from triage.io import RowError, classify_rows, open_output
    from triage.io.jsonl import to_line

    (outcome,) = classify_rows([row], classify)
    if isinstance(outcome.result, RowError):
        print(f"{outcome.result.code}: {outcome.result.detail}", file=sys.stderr)
    if output is not None:
        with open_output(output, with_text=with_text) as writer:
            writer.write(outcome)
    elif not human:
        sys.stdout.buffer.write(to_line(outcome))
    elif not isinstance(outcome.result, RowError):
        from triage.cli.show import show_decision

        show_decision(outcome)
    return int(isinstance(outcome.result, RowError))
