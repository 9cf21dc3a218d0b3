"""`triage audit`: whether the record of who did what is whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from serving.cli_store import DatabaseOption, StateOption, group, opened

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from serving.store.audit import Verified

app = group("The record of who did what 审计记录.")


def _receipt(given: str | None) -> tuple[int, bytes] | None:
    if given is None:
        return None
    try:
        number, mac = given.split(":")
        if int(number) > 0:
            return int(number), bytes.fromhex(mac)
        return None  # of a chain that had no record yet
    except ValueError:
        raise typer.BadParameter("--receipt is what was printed before: NUMBER:MAC") from None


@app.command("verify")
def verify(
    receipt: Annotated[
        str | None,
        typer.Option(help="What was printed before; that record must still be there 回执."),
    ] = None,
    state: StateOption = None,
    database: DatabaseOption = None,
) -> None:
    """Check that no record was changed, removed or added, and print a receipt (校验审计记录).

    Note the receipt somewhere else: with it, records that were cut off at the end show too.
    Exit codes: 0 the chain is whole; 1 it is not, and what is wrong.
    """
    noted = _receipt(receipt)
    with opened(state, database, must_exist=True) as store:
        found = store.audit.verify(store.database)
        with store.database.read() as connection:
            fault = found.fault or (_unlike(connection, found, *noted) if noted else None)
    if fault:
        typer.echo(f"the chain is broken: {fault}", err=True)
        raise typer.Exit(1)
    typer.echo(f"the chain is whole: {found.records} records", err=True)
    typer.echo(f"{found.records}:{found.mac}")


def _unlike(connection: Connection, found: Verified, number: int, mac: bytes) -> str | None:
    """How a chain that is whole in itself differs from what was noted of it, if it does."""
    from sqlalchemy import select

    from serving.store.tables import audit as records

    if number > found.records:
        return f"records after {found.records} are missing: the receipt is of record {number}"
    there = connection.scalar(select(records.c.mac).where(records.c.seq == number))
    if there != mac:
        return f"record {number} is not the one that the receipt is of"
    return None
