"""`list`, `add`, `promote` and `rollback`, alike for bundles and rulebooks."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from triage.cli.loading import JsonOption

if TYPE_CHECKING:
    from triage.pointer import Kind
    from triage.registry import Registry

ModelsOption = Annotated[
    Path,
    typer.Option(
        "--models",
        envvar="TRIAGE_MODELS",
        help="Registry directory 登记目录.",
        show_envvar=True,
    ),
]
DEFAULT = Path("models")
_LIVE = "A running service takes it up within five seconds 运行中的服务五秒内启用."


def open_registry(directory: Path) -> Registry:
    """The registry in `directory`."""
    from triage.registry import Registry

    return Registry(directory)


def add_commands(app: typer.Typer, kind: Kind, name: str) -> None:
    """Give `app` the commands of the registry for a `kind`, which people call `name`."""

    @app.command("list", help=f"List what may decide 列出{name}; * marks what decides now.")
    def list_entries(models: ModelsOption = DEFAULT, as_json: JsonOption = False) -> None:
        entries = open_registry(models).entries(kind)
        if as_json or not sys.stdout.isatty():
            rows = [
                {"version": e.version, "path": str(e.path), "embedded": e.embedded,
                 "current": e.current, "shadow": e.shadow}
                for e in entries
            ]  # fmt: skip
            typer.echo(json.dumps(rows, ensure_ascii=False, indent=2))
            return
        for entry in entries:
            marks = ["embedded 内置"] * entry.embedded + ["shadow 试运行"] * entry.shadow
            typer.echo(f"{'*' if entry.current else ' '} {entry.version}  {', '.join(marks)}")

    @app.command("add", help=f"Check and copy into the registry 检查并登记{name}.")
    def add(
        source: Annotated[Path, typer.Argument(help="What to copy in 要登记的文件或目录.")],
        models: ModelsOption = DEFAULT,
    ) -> None:
        typer.echo(open_registry(models).add(kind, source))

    @app.command("promote", help=f"Let it decide 启用{name}. {_LIVE}")
    def promote(
        version: Annotated[str, typer.Argument(help="Version as `list` shows it 版本.")],
        models: ModelsOption = DEFAULT,
    ) -> None:
        open_registry(models).promote(kind, version)
        typer.echo(version)

    @app.command("rollback", help=f"Go back to the one before 退回上一个{name}. {_LIVE}")
    def rollback(models: ModelsOption = DEFAULT) -> None:
        typer.echo(open_registry(models).rollback(kind))
