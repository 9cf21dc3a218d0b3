"""Alembic runs this for every command; the connection is given by `serving.store.schema`."""

from __future__ import annotations

from typing import Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext

from serving.store import types
from serving.store.schema import is_ours
from serving.store.tables import metadata


def _written(kind: str, value: object, _: AutogenContext) -> str | Literal[False]:
    """How a step names the project's own types; all others as Alembic does."""
    if kind == "type":
        if isinstance(value, types.Utc):
            return "Utc()"
        for name in ("Id", "Json"):
            if value is getattr(types, name):
                return name
    return False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    render_item=_written,
    include_name=is_ours,
    transactional_ddl=False,  # one transaction around all, which the caller ends
)
context.run_migrations()
