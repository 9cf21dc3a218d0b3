"""`triage rules`: for rule owners."""

from __future__ import annotations

import typer

app = typer.Typer(
    help="Rulebooks 规则库：检查、试验、格式。", no_args_is_help=True, rich_markup_mode=None
)


@app.command("schema")
def schema() -> None:
    """Print the JSON Schema of the rulebook format, for editors (供编辑器使用的格式定义)."""
    from triage.rules.schema import json_schema

    typer.echo(json_schema(), nl=False)
