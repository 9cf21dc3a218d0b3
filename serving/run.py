"""Start the service: settings, classifier, server, in this order, and stop at the first fault."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Mapping

from pydantic import ValidationError

from serving import logs
from serving.chooser import Chooser
from serving.launch import FACTORY, Launched, StartError
from serving.settings import PREFIX, Settings, table
from triage.errors import RegistryError


def print_settings() -> None:
    """Print the table of all settings."""
    from rich.console import Console
    from rich.table import Table

    shown = Table("Variable", "Default", "What it does")
    for row in table():
        shown.add_row(*row)
    Console().print(shown)


def start(given: Mapping[str, object], launched: Launched) -> int:
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
        launched.end()
        return 2
    logs.configure(settings.log_level)
    return run(settings, launched=launched)


def run(settings: Settings, factory: str = FACTORY, launched: Launched | None = None) -> int:
    """Run the server; returns after a signal and the end of running requests, or at a fault.

    `launched` is the fork server, where it was started before. Returns the exit code of `start`.
    """
    if launched:
        with contextlib.suppress(RegistryError, OSError):  # the service says so, and why
            launched.tell(Chooser(settings, factory).choice()[0])
    # These take as long to import as the fork server takes to load.
    import uvicorn

    from serving.app import create_app

    where = f"http://{settings.host}:{settings.port}"
    logs.operation("starting", url=where, docs=f"{where}/docs" if settings.docs else None)
    faults: list[StartError] = []

    def stop(error: StartError) -> None:
        faults.append(error)
        server.should_exit = True

    config = uvicorn.Config(
        create_app(settings, factory, stop, launched),
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
