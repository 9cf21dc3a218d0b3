"""Exports and imports through their addresses."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pyarrow.parquet as pq
import pytest
from sqlalchemy import select

from serving.store import keys
from serving.store.actors import COMMAND, Permission, Role
from serving.store.opening import Store
from serving.store.tables import audit
from tests.serving.reviewing import key, served, session
from tests.store.people import CIVIL, LEAD, NOTHING, NOW, judged
from tests.store.records import stored

PHONE = "13812345678"
TEXTS = tuple(f"第{n}件，欠我三万元不还，电话{PHONE}" for n in range(5))


@dataclass
class Office:
    client: Any
    store: Store
    numbers: list[int]
    scientist: dict[str, str]
    lead: dict[str, str]

    def export(self, headers: dict[str, str] | None = None, **query: Any) -> Any:
        return self.client.get("/v1/exports", headers=headers or self.scientist, params=query)

    def lines(self, **query: Any) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.export(**query).text.splitlines()]


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with served(tmp_path_factory.mktemp("office")) as (client, store):
        numbers = stored(store, *TEXTS)
        for at, number in enumerate(numbers[:4]):
            judged(store, LEAD, number, 0, NOTHING if at == 3 else CIVIL, now=NOW + timedelta(at))
        scientist = session(store, "sun", Role.SCIENTIST)
        yield Office(client, store, numbers, scientist, session(store, "chen", Role.LEAD))


def test_labelled_messages_are_streamed_masked(office: Office) -> None:
    answer = office.export()
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert answer.headers["cache-control"] == "no-store"
    assert "content-length" not in answer.headers
    assert PHONE not in answer.text
    assert [row["reviewer"] for row in office.lines()] == ["user:chen"] * 4


def test_filters(office: Office) -> None:
    since = (NOW + timedelta(days=1)).isoformat()
    until = (NOW + timedelta(days=2)).isoformat()
    assert [row["id"] for row in office.lines(since=since, until=until)] == [str(office.numbers[1])]
    assert len(office.lines(since="1901-01-01T00:00:00+14:00")) == 4
    assert office.lines(since="2199-12-31T23:59:59-14:00") == []
    assert len(office.lines(department="none")) == 1
    assert len(office.lines(department=["none", "civil"])) == 4


def test_a_key_that_may_see_personal_numbers(office: Office) -> None:
    with office.store.database.write() as connection:
        made = keys.add(
            connection, office.store.audit, COMMAND, "science", [Permission.EXPORT], now=NOW,
            sees_personal=True,
        )  # fmt: skip
    answer = office.export({"Authorization": f"Bearer {made}"}, format="parquet")
    table = pq.read_table(io.BytesIO(answer.content))
    assert table.column("text").to_pylist() == list(TEXTS[:4])
    with office.store.database.read() as connection:
        told = connection.execute(
            select(audit).where(audit.c.actor == "key:science", audit.c.action == "export")
        ).one()
    assert json.loads(told.detail) == {"format": "parquet", "masked": False}


def test_label_studio(office: Office) -> None:
    assert (
        "<Choices"
        in office.client.get("/v1/exports/label-studio.xml", headers=office.scientist).text
    )
    tasks = office.export(format="label-studio", unlabelled=True).json()
    assert len(tasks) == 5
    given = [{"from_name": "department", "value": {"choices": ["行政检察"]}}]
    tasks[4]["annotations"] = [{"result": given}]
    answer = office.client.post("/v1/imports/label-studio", json=tasks, headers=office.lead)
    assert answer.json() == {"recorded": 1, "unchanged": 4, "empty": 0, "refused": []}
    assert office.lines(department="administrative")[0]["id"] == str(office.numbers[4])


@pytest.mark.parametrize(
    "query",
    [{"format": "csv"}, {"department": "criminal"}, {"since": "2026-11-02"}, {"unlabelled": "?"}],
)
def test_parameters_are_checked(office: Office, query: dict[str, Any]) -> None:
    assert office.export(**query).status_code == 422


@pytest.mark.parametrize("body", [[], {}, [{"data": {"message_id": 0, "version": 0}}]])
def test_tasks_are_checked(office: Office, body: Any) -> None:
    answer = office.client.post("/v1/imports/label-studio", json=body, headers=office.lead)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_body")


def test_who_may(office: Office) -> None:
    reviewing = key(office.store, "front-end", Permission.REVIEW)
    for headers in (office.lead, reviewing):
        assert office.export(headers).status_code == 403
    task = [{"data": {"message_id": 1, "version": 0}}]
    for headers, status in ((office.scientist, 403), (reviewing, 200), ({"X-Nobody": "1"}, 401)):
        answer = office.client.post("/v1/imports/label-studio", json=task, headers=headers)
        assert answer.status_code == status
    assert office.export({"X-Nobody": "1"}).status_code == 401
