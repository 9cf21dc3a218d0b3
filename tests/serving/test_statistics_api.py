"""Statistics through their addresses."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from serving.store.actors import Permission, Role
from serving.store.intake import insert_messages
from serving.store.opening import Store
from tests.serving.reviewing import key, served, session
from tests.store.records import AT, record
from triage.types import Department


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, Store]]:
    with served(tmp_path_factory.mktemp("state")) as (client, store):
        records = [record("扬尘", at=datetime.now(UTC)), record("欠钱", channel="=1+1")]
        with store.database.write() as connection:
            insert_messages(connection, store.calendar, records)
        client.headers.update(session(store, "chen", Role.LEAD))
        yield client, store


def test_the_last_thirty_days_or_any(opened: tuple[Any, Store]) -> None:
    client, _ = opened
    assert client.get("/v1/statistics").json()["total"] >= 1
    query = {"since": AT.isoformat(), "until": "2026-11-03T00:00:00Z"}
    found = client.get("/v1/statistics", params=query).json()
    assert (found["total"], found["channels"]) == (1, [{"channel": "=1+1", "total": 1}])
    for since in ("1901-01-01T00:00:00Z", "2199-12-31T23:59:59-14:00"):
        assert client.get("/v1/statistics", params={"since": since}).status_code == 200
    for since in ("gestern", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"):
        assert client.get("/v1/statistics", params={"since": since}).status_code == 422


def test_the_table_has_no_formula(opened: tuple[Any, Store]) -> None:
    client, _ = opened
    answer = client.get("/v1/statistics.csv", params={"since": AT.isoformat()})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert rows[0] == ["项目", "行", "列", "数值"]
    assert ["渠道", "'=1+1", "合计", "1"] in rows
    assert not [cell for row in rows for cell in row if cell[:1] in tuple("=+-@\t\r") and cell]


def test_who_may(opened: tuple[Any, Store]) -> None:
    client, store = opened
    for number, (role, status) in enumerate(
        [(Role.REVIEWER, 403), (Role.SCIENTIST, 403), (Role.ADMIN, 200)]
    ):
        headers = session(store, f"p{number}", role, Department.CIVIL)
        for path in ("/v1/statistics", "/v1/statistics.csv"):
            assert client.get(path, headers=headers).status_code == status
    program = key(store, "front-end", Permission.REVIEW) | {"Cookie": ""}
    assert client.get("/v1/statistics", headers=program).status_code == 403
