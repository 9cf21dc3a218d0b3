"""Start the service: settings, classifier, server, in this order, and stop at the first fault."""

from __future__ import annotations

import sys
from collections.abc import Mapping

import uvicorn
from pydantic import ValidationError

from serving import logs
from serving.app import create_app
from serving.settings import PREFIX, Settings, table
from serving.workers import FACTORY, StartError


def print_settings() -> None:
    """Print the table of all settings."""
    from rich.console import Console
    from rich.table import Table

    shown = Table("Variable", "Default", "What it does")
    for row in table():
        shown.add_row(*row)
    Console().print(shown)


def start(given: Mapping[str, object]) -> int:
    """Serve until a signal; `given` are options that win over the environment.

    Returns the exit code: 0, or 2 where settings, bundle or rulebook are at fault. What is wrong
    is printed to stderr, without a traceback.
    """
    try:
        settings = Settings(**given)  # type: ignore[arg-type]
    except ValidationError as error:
        for item in error.errors(include_url=False, include_input=False):
            name = ".".join(map(str, item["loc"]))
            print(f"Setting {PREFIX}{name.upper()}: {item['msg']}", file=sys.stderr)
        return 2
    logs.configure(settings.log_level)
    return run(settings)


def run(settings: Settings, factory: str = FACTORY) -> int:
    """Run the server; returns after a signal and the end of running requests, or at a fault.

    Returns the exit code of `start`.
    """
    where = f"http://{settings.host}:{settings.port}"
    logs.operation("starting", url=where, docs=f"{where}/docs" if settings.docs else None)
    faults: list[StartError] = []

    def stop(error: StartError) -> None:
        faults.append(error)
        server.should_exit = True

    config = uvicorn.Config(
        create_app(settings, factory, stop),
        host=settings.host,
        port=settings.port,
        http="httptools",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=settings.shutdown_seconds,
    )
    server = uvicorn.Server(config)
    server.run()
    for fault in faults:
        print(f"Not started ({fault.code}): {fault.detail}", file=sys.stderr)
        return 2
    # As uvicorn's own command does: lifespan or address were at fault, and are on the log.
    return 0 if server.started else 3
