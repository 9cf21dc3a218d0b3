"""People with sessions and programs with keys, asking the real application."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
from starlette.testclient import TestClient

from serving.access import COOKIE
from serving.app import create_app
from serving.settings import Settings
from serving.store import keys, sessions, users
from serving.store.actors import COMMAND, Permission, Role
from serving.store.opening import Store, open_store
from tests.store.people import new_id
from triage.types import Department

HOST = "triage.test"


@contextlib.contextmanager
def served(folder: Path, url: str | None = None) -> Iterator[tuple[TestClient, Store]]:
    """The application around a new store in a folder, and the store."""
    store = open_store(folder, url=url)
    assert store is not None
    app = create_app(Settings(workers=1), "tests.serving.fakes:plain", store=store)
    with TestClient(app, base_url=f"https://{HOST}") as client:
        yield client, store


def session(store: Store, name: str, role: Role, *departments: Department) -> dict[str, str]:
    """The headers of a new person who is logged in."""
    with store.database.write() as connection:
        number = users.create(
            connection, store.audit, COMMAND, name, role, departments, "!", must_change=False
        )
        token = sessions.start(connection, number, datetime.now(UTC))
    return {"Cookie": f"{COOKIE}={token}", "Sec-Fetch-Site": "same-origin"}


def key(store: Store, name: str, *scopes: Permission) -> dict[str, str]:
    """The headers of a new program."""
    with store.database.write() as connection:
        made = keys.add(connection, store.audit, COMMAND, name, scopes, now=datetime.now(UTC))
    return {"Authorization": f"Bearer {made}"}


def verdict(department: str = "civil", **given: Any) -> dict[str, Any]:
    """The body of a decision."""
    return {"id": new_id(), "department": department, "urgent": False} | given


def decide(
    client: httpx2.Client,
    headers: dict[str, str],
    number: int,
    version: int,
    body: dict[str, Any] | None = None,
) -> httpx2.Response:
    """Decide on a version."""
    told = headers | {"If-Match": f'"{version}"'}
    return client.post(f"/v1/reviews/{number}", json=body or verdict(), headers=told)
