"""`triage users`: who may log in."""

from __future__ import annotations

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

app = group("People who work with the pages 账号.")


@app.command("add")
def add_user(
    name: NameArgument,
    role: Annotated[str, typer.Option(help="reviewer, lead, scientist or admin 角色.")],
    department: Annotated[
        list[str] | None,
        typer.Option(help="complaints, civil, … of a reviewer; may be repeated 部门."),
    ] = None,
    shown: Annotated[str, typer.Option(help="How people call them 姓名.")] = "",
    state: StateOption = None,
    database: DatabaseOption = None,
) -> None:
    """Add a person and print the first password, for the only time (新增账号)."""
    with opened(state, database) as store:
        from serving.store.actors import COMMAND, Role
        from serving.store.passwords import generated, hashed
        from serving.store.users import create
        from triage.types import Department

        chosen = one_of(Role, role, "--role")
        own = [one_of(Department, each, "--department") for each in department or []]
        first = generated()
        made = hashed(first)
        try:
            with store.database.write() as connection:
                create(connection, store.audit, COMMAND, name, chosen, own, made, shown=shown)
        except ValueError as error:
            raise typer.BadParameter(str(error)) from None
    _show(first)


@app.command("list")
def list_users(
    state: StateOption = None, database: DatabaseOption = None, as_json: JsonOption = False
) -> None:
    """List everybody, those who left too (列出账号)."""
    with opened(state, database) as store:
        from serving.store.users import all_users

        with store.database.read() as connection:
            found = all_users(connection)
    rows = [
        {
            "name": user.name,
            "shown": user.shown,
            "role": user.role,
            "departments": " ".join(user.departments),
            "active": user.active,
            "must_change": user.must_change,
            "locked_until": user.locked_until,
        }
        for user in found
    ]
    show(rows, as_json=as_json)


@app.command("reset")
def reset_user(
    name: NameArgument, state: StateOption = None, database: DatabaseOption = None
) -> None:
    """Give a new password and print it; a lock ends too (重设密码)."""
    with opened(state, database) as store:
        from serving.store.actors import COMMAND
        from serving.store.passwords import generated, hashed
        from serving.store.users import forget_first, set_password

        first = generated()
        made = hashed(first)
        with store.database.write() as connection:
            set_password(connection, store.audit, COMMAND, name, made, must_change=True)
        forget_first(store, name)
    _show(first)


def _show(password: str) -> None:
    typer.echo(password)
    typer.echo("It must be changed at the first login. 首次登录后须改密码。", err=True)


@app.command("deactivate")
def deactivate_user(
    name: NameArgument, state: StateOption = None, database: DatabaseOption = None
) -> None:
    """Let a person in no more; what they did stays (停用账号)."""
    _set_active(name, False, state, database)


@app.command("activate")
def activate_user(
    name: NameArgument, state: StateOption = None, database: DatabaseOption = None
) -> None:
    """Let a person in again (启用账号)."""
    _set_active(name, True, state, database)


def _set_active(name: str, active: bool, state: StateOption, database: DatabaseOption) -> None:
    with opened(state, database) as store:
        from serving.store.actors import COMMAND
        from serving.store.users import change

        try:
            with store.database.write() as connection:
                change(connection, store.audit, COMMAND, name, active=active)
        except ValueError as error:
            raise typer.BadParameter(str(error)) from None
    typer.echo(name)
