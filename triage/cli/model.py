"""`triage model`: what a bundle is, whether it is whole, and which of them decides."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from triage.cli.loading import JsonOption
from triage.cli.registry import DEFAULT, ModelsOption, add_commands, open_registry

app = typer.Typer(help="Model bundles 模型包.", no_args_is_help=True, rich_markup_mode=None)
add_commands(app, "bundle", "模型包")

BundleArgument = Annotated[
    Path | None,
    typer.Argument(
        metavar="[BUNDLE]",
        envvar="TRIAGE_BUNDLE",
        help="Bundle directory 模型包目录 [default: the embedded one].",
        show_default=False,
        show_envvar=True,
    ),
]


@app.command("show")
def show(bundle: BundleArgument = None, as_json: JsonOption = False) -> None:
    """Show what a bundle is and how it was measured, from its manifest (显示模型包信息)."""
    from triage.bundle import default_path, read_manifest

    path = bundle or default_path()
    manifest = read_manifest(path)
    if as_json or not sys.stdout.isatty():
        typer.echo(manifest.model_dump_json(indent=2))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(show_header=False, box=None)
    for name in ("name", "version", "created", "max_length", "normaliser", "rulebook"):
        table.add_row(name, str(getattr(manifest, name)))
    table.add_row("classes", ", ".join(manifest.classes))
    table.add_row("directory", str(path))
    for group in ("training", "metrics", "files"):
        for name, value in getattr(manifest, group).items():
            table.add_row(f"{group}: {name}", str(value))
    Console().print(table)


@app.command("verify")
def verify(bundle: BundleArgument = None) -> None:
    """Check the manifest and the SHA-256 of every file (校验模型包). Exit code 2 on any fault."""
    from triage.bundle import default_path, verify

    path = bundle or default_path()
    manifest = verify(path)
    for name, digest in sorted(manifest.files.items()):
        size = (path / name).stat().st_size
        typer.echo(f"ok  {digest}  {size:>12,}  {name}")
    typer.echo(f"{manifest.name}@{manifest.version}: all {len(manifest.files)} files are unaltered")


@app.command("shadow")
def shadow(
    version: Annotated[
        str | None, typer.Argument(help="Version as `list` shows it 版本.", show_default=False)
    ] = None,
    off: Annotated[bool, typer.Option("--off", help="End it 停止试运行.")] = False,
    models: ModelsOption = DEFAULT,
) -> None:
    """Run a bundle beside the one that decides and count where they differ (试运行).

    The service answers with the one that decides; see the metric triage_shadow.
    """
    if (version is None) is not off:
        raise typer.BadParameter("give a version, or --off")
    open_registry(models).shadow(version)
