"""Start the service: settings, classifier, server, in this order, and stop at the first fault."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

from pydantic import ValidationError

from serving import logs
from serving.chooser import Chooser
from serving.launch import FACTORY, Launched, StartError
from serving.settings import Settings, faults, table
from serving.store.errors import StoreError
from triage.errors import RegistryError

if TYPE_CHECKING:
    from serving.store.opening import Store


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
        print(*faults(error), sep="\n", file=sys.stderr)
        launched.end()
        return 2
    logs.configure(settings.log_level)
    return run(settings, launched=launched)


def _prepare(store: Store | None, settings: Settings) -> None:
    """What a service must have before anybody can ask it: an admin, and keys beyond this machine.

    Raises:
        StoreError: it may not listen where it should, or the store cannot be used.
    """
    from serving.access import refuse_open
    from serving.store import keys, users

    has_keys = False
    if store:
        if (path := users.first_admin(store)) is not None:
            logs.operation("first admin made", user=users.FIRST, password_in=str(path))
            if sys.stdout.isatty():
                print(f"\n首次登录：用户 {users.FIRST}，密码见 {path}\n")
        with store.database.read() as connection:
            # Made once is enough: where all have expired, nobody gets in without one.
            has_keys = keys.was_made(connection)
    if why := refuse_open(settings.host, has_keys=has_keys):
        if store is None:
            why = (
                "nothing is stored, so there can be no keys, and without keys it may not listen on "
                f"{settings.host}: listen on 127.0.0.1, or set TRIAGE_DATABASE"
            )
        raise StoreError(why)


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
    from serving.store.opening import open_store

    try:
        store = open_store(
            settings.state,
            url=settings.database,
            key=settings.audit_key,
            calendar=settings.calendar,
        )
        _prepare(store, settings)
    except StoreError as error:
        print(f"Not started ({error.code}): {error}", file=sys.stderr)
        if launched:
            launched.end()
        return 2
    where = f"http://{settings.host}:{settings.port}"
    logs.operation("starting", url=where, docs=f"{where}/docs" if settings.docs else None)
    faults: list[StartError] = []

    def stop(error: StartError) -> None:
        faults.append(error)
        server.should_exit = True

    config = uvicorn.Config(
        create_app(settings, factory, stop, launched, store),
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
