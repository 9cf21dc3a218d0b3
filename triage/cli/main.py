"""Put the console command together. Importing this loads no model, no rules and no Pydantic."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, entry_points, version
from typing import Annotated

import typer

from triage.cli import classify, model, rules
from triage.cli.loading import Loader, load_pipeline
from triage.errors import TriageError

PLUGINS = "triage.commands"

_HELP = """
Route citizens' messages to a procuratorate's departments and flag the urgent ones.

为留言分派检察部门，并标出紧急事项。

Exit codes: 0 all done; 1 some messages have an error in place of a decision; 2 wrong usage,
or a file, bundle or rulebook that cannot be used.
"""


def _show_version(wanted: bool) -> None:
    if wanted:
        try:
            typer.echo(f"triage {version('estation-triage')}")
        except PackageNotFoundError:
            typer.echo("triage (not installed)")
        raise typer.Exit


def _root(
    show_version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Show the version and stop."
        ),
    ] = False,
) -> None:
    """Take the options before a command; the version is shown by its callback."""


def build_app() -> typer.Typer:
    """The command with all its subcommands, those of other packages included."""
    # A traceback with local variables would show what a citizen wrote.
    app = typer.Typer(
        name="triage", no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False
    )
    app.callback(help=_HELP)(_root)
    app.command("classify")(classify.classify)
    app.add_typer(rules.app, name="rules")
    app.add_typer(model.app, name="model")
    for plugin in sorted(entry_points(group=PLUGINS), key=lambda point: point.name):
        loaded = plugin.load()
        if isinstance(loaded, typer.Typer):
            app.add_typer(loaded, name=plugin.name)
        else:
            app.command(plugin.name)(loaded)
    return app


def main(argv: Sequence[str] | None = None, *, load: Loader = load_pipeline) -> None:
    """Run the command and exit; `load` makes the classifier that `classify` uses."""
    try:
        build_app()(args=None if argv is None else list(argv), obj=load, prog_name="triage")
    except TriageError as error:
        print(f"{error.code}: {error}", file=sys.stderr)
        sys.exit(2)
    except OSError as error:
        # Of a copy that fails for want of room, the second name is the one that is at fault.
        name = error.filename2 or error.filename or "file"
        print(f"{name}: {error.strerror or 'cannot be used'}", file=sys.stderr)
        sys.exit(2)
