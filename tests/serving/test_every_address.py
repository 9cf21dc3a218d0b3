"""What holds for every address, those included that nobody has thought of yet."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.routing import iter_route_contexts
from fastapi.testclient import TestClient
from sqlalchemy import func, select

from serving.app import create_app
from serving.settings import Settings
from serving.store.actors import ANONYMOUS, SCOPES, Role, user
from serving.store.opening import Store
from serving.store.tables import audit, corrections, leases, sessions, users
from tests.serving.reviewing import served, session
from tests.store.records import stored

OPEN = {
    "/livez", "/readyz", "/metrics", "/docs", "/openapi.json", "/static", "/v1/departments",
    "/v1/problems", "/assets/{mark}/{name:path}",
}  # fmt: skip
CLASSIFY = {"/v1/classify", "/v1/classify/batch"}
ADDRESSES = sorted(
    (method, route.path or "")
    for route in iter_route_contexts(create_app(Settings(workers=1)).routes)
    for method in (route.methods or {"GET"}) - {"HEAD"}
)
ROWS = (audit, corrections, leases, sessions, users)


def ask(client: Any, method: str, path: str, headers: dict[str, str]) -> Any:
    form = path in ("/login", "/logout", "/password")
    body: dict[str, Any] = {"data": {}} if form else {"json": {}}
    where = re.sub(r"\{(\w+)[^}]*\}", lambda part: "li" if part[1] == "name" else "1", path)
    given = {} if method == "GET" else body
    return client.request(method, where, headers=headers, follow_redirects=False, **given)


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, Store]]:
    with served(tmp_path_factory.mktemp("office")) as (client, store):
        stored(store, "欠我三万元不还")
        session(store, "li", Role.LEAD)
        yield client, store


@pytest.fixture(scope="module")
def cookie(office: tuple[Any, Store]) -> str:
    return session(office[1], "zhou", Role.ADMIN)["Cookie"]


UNSAFE = [each for each in ADDRESSES if each[0] != "GET" and each[1] not in CLASSIFY]


@pytest.mark.parametrize("address", UNSAFE, ids=" ".join)
def test_what_another_site_sends_does_nothing(
    office: tuple[Any, Store], cookie: str, address: tuple[str, str]
) -> None:
    client, store = office

    def counted() -> list[int | None]:
        with store.database.read() as connection:
            counts = (select(func.count()).select_from(table) for table in ROWS)
            return [connection.scalar(count) for count in counts]

    before = counted()
    for headers in (
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Origin": "https://triage.test"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "https://triage.test"},
        {"Origin": "https://evil.test"},
        {"Origin": "null"},
        {},
    ):
        answer = ask(client, *address, {"Cookie": cookie} | headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "cross_site"), headers
    assert counted() == before


@pytest.mark.parametrize("address", ADDRESSES, ids=" ".join)
def test_nobody_gets_in(office: tuple[Any, Store], address: tuple[str, str]) -> None:
    method, path = address
    if path in OPEN | CLASSIFY | {"/login", "/logout"}:
        return
    answer = ask(office[0], method, path, {"Sec-Fetch-Site": "same-origin"})
    if path.startswith("/v1/"):
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
        return
    assert answer.status_code == 303
    assert answer.headers["location"].partition("?")[0] == "/login"


def test_without_a_store_there_is_nothing_to_see() -> None:
    app = create_app(Settings(workers=1), "tests.serving.fakes:plain")
    with TestClient(app, base_url="https://triage.test") as client:
        for method, path in ADDRESSES:
            if path in OPEN | CLASSIFY:
                continue
            answer = ask(client, method, path, {"Sec-Fetch-Site": "same-origin"})
            assert answer.status_code == 404, path
            if path.startswith("/v1/"):
                assert answer.json()["code"] == "storing_off", path


def test_roles_and_scopes() -> None:
    """The table of the service, once more: a change of it must be meant."""
    may = {
        Role.REVIEWER: {"review"},
        Role.LEAD: {"review", "statistics"},
        Role.SCIENTIST: {"export"},
        Role.ADMIN: {"review", "statistics", "export", "admin"},
    }
    assert {role: set(user("li", role, []).permissions) for role in Role} == may
    assert not any(user("li", role, []).sees_personal for role in Role)
    assert set(SCOPES) == {"classify", "review", "export", "admin"}
    assert set(ANONYMOUS.permissions) == {"classify"}
