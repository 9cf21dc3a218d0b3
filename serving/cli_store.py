"""What commands that work with the store have in common. Imports wait until a command runs."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

if TYPE_CHECKING:
    from serving.settings import Settings
    from serving.store.opening import Store

Choice = TypeVar("Choice", bound=StrEnum)

_NEEDED = ("pydantic_settings", "sqlalchemy", "alembic", "pwdlib")

StateOption = Annotated[
    Path | None,
    typer.Option(help="Directory of the service's own files 状态目录 [TRIAGE_STATE or state]."),
]
DatabaseOption = Annotated[
    str | None,
    typer.Option(help="postgresql://… or sqlite:///FILE 数据库 [TRIAGE_DATABASE]."),
]
NameArgument = Annotated[str, typer.Argument(help="Name 名称.")]


def group(text: str) -> typer.Typer:
    """A command that has commands."""
    return typer.Typer(help=text, no_args_is_help=True, rich_markup_mode=None)


def one_of(choices: Iterable[Choice], given: str, option: str) -> Choice:
    """What an option names.

    Raises:
        typer.BadParameter: it names none of the choices; says which there are.
    """
    known = {choice.value: choice for choice in choices}
    if given not in known:
        raise typer.BadParameter(f"{option} is one of {', '.join(known)}")
    return known[given]


def settings_of(state: Path | None, database: str | None) -> Settings:
    """The settings that the service would have, with these options.

    Raises:
        typer.Exit: something is missing or wrong; what it is has been printed.
    """
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        typer.echo(f"{missing[0]} is missing: pip install 'estation-triage[serve]'", err=True)
        raise typer.Exit(2)
    from pydantic import ValidationError

    from serving.settings import Settings, faults

    given = {"state": state, "database": database}
    try:
        chosen = {name: value for name, value in given.items() if value is not None}
        return Settings(**chosen)  # type: ignore[arg-type]
    except ValidationError as error:
        typer.echo("\n".join(faults(error)), err=True)
        raise typer.Exit(2) from None


@contextlib.contextmanager
def opened(
    state: Path | None, database: str | None, *, must_exist: bool = False
) -> Iterator[Store]:
    """The store that the service uses, closed at the end; made where there is none yet.

    With `must_exist` a store is not made: who looks for something has the wrong directory.

    Raises:
        StoreError: it cannot be used, storing is off, or it does not exist.
        typer.Exit: a setting is wrong; what it is has been printed.
    """
    settings = settings_of(state, database)
    from serving.store.errors import StoreError
    from serving.store.opening import key_file, open_store

    key = key_file(settings.state, settings.audit_key)
    if must_exist and not key.exists():
        raise StoreError(f"no service has run here: there is no {key}; name its --state directory")
    store = open_store(
        settings.state,
        url=settings.database,
        key=settings.audit_key,
        calendar=settings.calendar,
    )
    if store is None:
        raise StoreError("nothing is stored: TRIAGE_DATABASE is off")
    with contextlib.closing(store):
        yield store


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def show(rows: Sequence[Mapping[str, object]], *, as_json: bool) -> None:
    """A table in a terminal, else JSON."""
    if as_json or not sys.stdout.isatty():
        typer.echo(json.dumps(rows, ensure_ascii=False, indent=2, default=_plain))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(*(rows[0] if rows else ()), box=None)
    for row in rows:
        table.add_row(*("" if value is None else _plain(value) for value in row.values()))
    Console().print(table)
