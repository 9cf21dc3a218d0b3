"""`triage serve`. Imports wait until the command runs: the other commands start faster."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from serving.launch import launch

_NEEDED = ("pydantic_settings", "prometheus_client", "fastapi", "uvicorn")


def serve(
    host: Annotated[
        str | None, typer.Option(help="Address to listen on [default: 127.0.0.1].")
    ] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on [default: 8000].")] = None,
    bundle: Annotated[
        Path | None, typer.Option(help="Directory of the model bundle [default: the embedded one].")
    ] = None,
    rulebook: Annotated[
        Path | None, typer.Option(help="Rulebook file or directory [default: the embedded one].")
    ] = None,
    models: Annotated[
        Path | None, typer.Option(help="Registry of bundles and rulebooks [default: models].")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(help="Processes that classify [default: one for each core].")
    ] = None,
    log_level: Annotated[
        str | None, typer.Option(help="debug, info, warning or error [default: info].")
    ] = None,
    settings: Annotated[
        bool, typer.Option("--settings", help="List all settings (TRIAGE_… variables) and stop.")
    ] = False,
) -> None:
    """Serve the HTTP API (启动接口服务). Options win over TRIAGE_… environment variables.

    Exit codes: 0 stopped; 2 wrong settings, bundle or rulebook; 3 the server could not start, for
    example because the port is in use.
    """
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        typer.echo(f"{missing[0]} is missing: pip install 'estation-triage[serve]'", err=True)
        raise typer.Exit(2)
    # First of all: it loads on another core while this one imports the rest.
    launched = None if settings else launch()
    from serving import run

    if launched is None:
        run.print_settings()
        return
    given = {
        "host": host,
        "port": port,
        "bundle": bundle,
        "rulebook": rulebook,
        "models": models,
        "workers": workers,
        "log_level": log_level,
    }
    chosen = {key: value for key, value in given.items() if value is not None}
    raise typer.Exit(run.start(chosen, launched))
