"""`triage demo`: invented messages and people, so that a newcomer can try every page and key."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import Annotated

import typer

from serving.cli_store import DatabaseOption, StateOption, opened, settings_of


def demo(
    force: Annotated[
        bool, typer.Option("--force", help="Also where there are messages already 已有留言也继续.")
    ] = False,
    messages: Annotated[
        int | None,
        typer.Option(
            min=1, max=10_000_000, hidden=True, help="So many composed ones, to measure with."
        ),
    ] = None,
    state: StateOption = None,
    database: DatabaseOption = None,
) -> None:
    """Fill the store with 200 invented messages and two people to log in as (演示数据)."""
    settings = settings_of(state, database)
    with opened(state, database) as store:
        from serving import demo_office
        from serving.demo import DAYS, demo_messages
        from serving.store.errors import StoreError
        from triage.pipeline import Pipeline

        if demo_office.has_messages(store) and not force:
            raise StoreError(
                "there are messages already; take another --state directory, or add to them with "
                "--force"
            )
        typer.echo("classifying…", err=True)
        pipeline = Pipeline.load(settings.bundle, settings.rulebook)
        now = datetime.now(UTC)
        if messages:
            from serving.demo_bulk import fill_many

            fill_many(store, pipeline, messages, now, _told)
            return
        stored = demo_office.fill(store, pipeline, demo_messages(now))
        passwords = demo_office.accounts(store)
    typer.echo(f"{len(stored)} invented messages of the last {DAYS} days.\n")
    typer.echo("Log in as (the passwords are shown this once 密码只显示这一次):")
    for name, password in passwords.items():
        typer.echo(f"  {name:<14} {password}")
    typer.echo("\nStart the service with `triage serve` or `make serve`, then open its address.")


def _told(done: int) -> None:
    print(f"\r{done:,} messages", end="", file=sys.stderr, flush=True)
