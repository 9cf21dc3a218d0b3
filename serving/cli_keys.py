"""`triage keys`: which programs may use the interface."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from serving.cli_store import (
    DatabaseOption,
    NameArgument,
    StateOption,
    group,
    one_of,
    opened,
    show,
)
from triage.cli.loading import JsonOption

_USE = """\
Keep it where only that program reads it: it is shown this once. Send it with each request as
  Authorization: Bearer KEY
A service that runs knows it within five seconds; from the first key on, none without one may ask.
密钥只显示这一次，请妥善保存；五秒内生效。有了第一个密钥之后，不带密钥的请求一律拒绝。"""

app = group("Keys of programs that use the interface 接口密钥.")


def _expiry(given: str | None) -> datetime | None:
    """A number of days from now, or a day: until its end in the procuratorates' time."""
    if given is None:
        return None
    from serving.store.deadlines import midnight

    now = datetime.now(UTC)
    try:
        if given.endswith("d"):
            until = now + timedelta(days=int(given[:-1]))
        else:
            day = datetime.strptime(given, "%Y-%m-%d")
            until = midnight(day.date() + timedelta(days=1))
    except (ValueError, OverflowError):
        raise typer.BadParameter("--expires is a day, 2027-06-30, or days from now, 90d") from None
    if until <= now:
        raise typer.BadParameter("--expires must lie in the future")
    return until


@app.command("add")
def add_key(
    name: NameArgument,
    scope: Annotated[
        list[str] | None,
        typer.Option(help="classify, review, export or admin; may be repeated 权限."),
    ] = None,
    expires: Annotated[
        str | None, typer.Option(help="Last day, 2027-06-30, or days from now, 90d 有效期.")
    ] = None,
    per_minute: Annotated[
        int | None, typer.Option(min=1, help="Most requests in a minute 每分钟请求数.")
    ] = None,
    sees_personal: Annotated[
        bool, typer.Option("--sees-personal", help="Exports show personal data 不遮盖个人信息.")
    ] = False,
    state: StateOption = None,
    database: DatabaseOption = None,
) -> None:
    """Make a key and print it, for the only time (新增密钥，只显示一次)."""
    until = _expiry(expires)
    with opened(state, database) as store:
        from serving.store.actors import COMMAND, SCOPES
        from serving.store.keys import add

        scopes = [one_of(SCOPES, each, "--scope") for each in scope or []]
        try:
            with store.database.write() as connection:
                made = add(
                    connection, store.audit, COMMAND, name, scopes, now=datetime.now(UTC),
                    expires_at=until, per_minute=per_minute, sees_personal=sees_personal,
                )  # fmt: skip
        except ValueError as error:
            raise typer.BadParameter(str(error)) from None
    typer.echo(made)
    typer.echo(_USE, err=True)


@app.command("list")
def list_keys(
    state: StateOption = None, database: DatabaseOption = None, as_json: JsonOption = False
) -> None:
    """List all keys, those that open nothing any more too (列出密钥)."""
    now = datetime.now(UTC)
    with opened(state, database) as store:
        from serving.store.keys import all_keys

        with store.database.read() as connection:
            found = all_keys(connection)
    rows = [
        {
            "name": key.name,
            "scopes": " ".join(key.scopes),
            "per_minute": key.per_minute,
            "sees_personal": key.sees_personal,
            "created": key.created_at,
            "expires": key.expires_at,
            "revoked": key.revoked_at,
            "valid": key.is_valid(now),
        }
        for key in found
    ]
    show(rows, as_json=as_json)


@app.command("revoke")
def revoke_key(
    name: NameArgument, state: StateOption = None, database: DatabaseOption = None
) -> None:
    """Let a key open nothing any more, within five seconds (撤销密钥)."""
    with opened(state, database) as store:
        from serving.store.actors import COMMAND
        from serving.store.keys import revoke

        with store.database.write() as connection:
            revoke(connection, store.audit, COMMAND, name, datetime.now(UTC))
    typer.echo(name)
