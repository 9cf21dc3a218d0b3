"""Run a command of the training in this process and leave its log closed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import typer
from click.testing import Result
from typer.testing import CliRunner

from training.runtime import log


def invoke(main: Callable[..., None], arguments: Sequence[str]) -> Result:
    """The exit code and output of `main`."""
    app = typer.Typer()
    app.command()(main)
    try:
        return CliRunner().invoke(app, arguments)
    finally:
        for handler in log.handlers:
            handler.close()
        log.handlers, log.propagate = [], True
