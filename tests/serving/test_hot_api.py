"""Hot issues through their addresses, in the service as it runs, on both databases."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from serving.store.actors import Permission, Role
from serving.store.intake import insert_messages
from serving.store.opening import Store
from tests.serving.reviewing import key, served, session, verdict
from tests.store.matters import MATTERS
from tests.store.postgres import KINDS, fresh_url
from tests.store.records import record
from tests.store.sketching import clusters
from triage.types import Department

PHONE = "13812345678"
WAGES = f"我的电话{PHONE}。" + MATTERS["wages"]
QUARRY = MATTERS["quarry"] + "扬尘很大。"


def received(store: Store, text: str, *days_ago: float) -> list[int]:
    """Messages that came so many days ago, sketched by the service."""
    now = datetime.now(UTC)
    records = [record(text, at=now - timedelta(days=days)) for days in days_ago]
    with store.database.write() as connection:
        numbers = insert_messages(connection, store.calendar, records)
    deadline = time.monotonic() + 30
    while None in clusters(store).values():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return numbers


@dataclass
class Office:
    """The service with two issues, and who works with it."""

    client: Any
    wages: list[int]
    quarry: list[int]
    li: dict[str, str]
    wang: dict[str, str]
    program: dict[str, str]
    exporter: dict[str, str]

    def get(self, path: str, headers: dict[str, str], **query: Any) -> Any:
        return self.client.get(path, headers=headers, params=query)

    def label(self, cluster: int, headers: dict[str, str], **given: Any) -> Any:
        return self.client.post(
            f"/v1/hot-issues/{cluster}/label", json=verdict(**given), headers=headers
        )


@pytest.fixture(scope="module", params=KINDS)
def office(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Office]:
    folder: Path = tmp_path_factory.mktemp("office")
    with served(folder, fresh_url(request.param, folder)) as (client, store):
        yield Office(
            client,
            received(store, WAGES, 12, 3, 2, 1),
            received(store, QUARRY, 20, 19, 1),
            session(store, "li", Role.REVIEWER, Department.CIVIL),
            session(store, "wang", Role.REVIEWER, Department.PUBLIC_INTEREST),
            key(store, "front", Permission.REVIEW),
            key(store, "science", Permission.EXPORT),
        )


def test_issues_are_listed_as_they_exist_for_who_asks(office: Office) -> None:
    both = office.get("/v1/hot-issues", office.program).json()
    assert [each["cluster_id"] for each in both] == [office.wages[0], office.quarry[0]]
    wages, quarry = both
    assert (wages["size"], wages["recent"], wages["earlier"], wages["growth"]) == (4, 3, 1, 2)
    assert (quarry["size"], quarry["open"], quarry["departments"]) == (3, 3, {"public_interest": 3})
    assert quarry["places"] == ["青石县", "柳沟镇", "石坝村"]
    assert quarry["first"] < quarry["last"]
    assert "138••••5678" in wages["excerpt"]
    assert len(wages["excerpt"]) == 120
    assert office.get("/v1/hot-issues", office.program, limit=1).json() == [wages]
    for headers, issue in ((office.li, wages), (office.wang, quarry)):
        assert office.get("/v1/hot-issues", headers).json() == [issue]


def test_an_issue_is_shown_with_its_messages_in_pages(office: Office) -> None:
    path = f"/v1/hot-issues/{office.wages[0]}"
    first = office.get(path, office.li, limit=3)
    assert first.status_code == 200
    assert PHONE not in first.text
    told = first.json()
    assert told["issue"]["size"] == 4
    rest = office.get(path, office.li, limit=3, cursor=told["next"]).json()
    rows = told["rows"] + rest["rows"]
    assert [row["message_id"] for row in rows] == office.wages[::-1]
    assert rest["next"] is None
    assert office.get(path, office.li, cursor="x").status_code == 422


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ("nobody", 401, "unauthenticated"),
        ("exporter", 403, "forbidden"),
        ("wang", 404, "not_found"),
    ],
)
def test_who_may_not_is_refused(office: Office, headers: str, status: int, code: str) -> None:
    given = getattr(office, headers, {})
    paths = [f"/v1/hot-issues/{office.wages[0]}"] + ["/v1/hot-issues"] * (status != 404)
    answers = [office.get(path, given) for path in paths]
    answers.append(office.label(office.wages[0], given or {"Sec-Fetch-Site": "same-origin"}))
    assert [(each.status_code, each.json()["code"]) for each in answers] == [(status, code)] * len(
        answers
    )


def test_another_site_cannot_label(office: Office) -> None:
    answer = office.label(office.wages[0], office.li | {"Sec-Fetch-Site": "cross-site"})
    assert (answer.status_code, answer.json()["code"]) == (403, "cross_site")


@pytest.mark.parametrize(
    "given",
    [
        {"department": "elsewhere"},
        {"id": "1"},
        {"urgent": True},
        {"reasons": ["livelihood"]},
        {"note": "长" * 2_001},
        {"more": 1},
    ],
)
def test_a_label_that_cannot_be_is_refused(office: Office, given: dict[str, Any]) -> None:
    answer = office.label(office.wages[0], office.li, **given)
    assert answer.status_code == 422
    assert answer.json()["errors"]


@pytest.mark.parametrize("cluster", ["0", "x", str(2**63)])
def test_what_is_no_number_is_refused(office: Office, cluster: str) -> None:
    assert office.get(f"/v1/hot-issues/{cluster}", office.li).status_code == 422


def test_one_label_for_all_and_the_same_again(office: Office) -> None:
    body = verdict("administrative", note="同一事项")
    path = f"/v1/hot-issues/{office.wages[0]}/label"
    answers = [office.client.post(path, json=body, headers=office.li) for _ in range(2)]
    expected = {"cluster_id": office.wages[0], "labelled": 4, "skipped": 0, "conflicted": 0}
    assert [each.json() for each in answers] == [expected, expected]
    for number in office.wages:
        (made,) = office.get(f"/v1/reviews/{number}/history", office.li).json()
        assert (made["label"]["department"], made["note"]) == ("administrative", "同一事项")
    assert office.label(office.wages[0], office.li).json()["skipped"] == 4
    changed = office.client.post(path, json=body | {"department": "civil"}, headers=office.li)
    assert changed.json()["code"] == "reused_id"
    assert office.get("/v1/hot-issues", office.li).json()[0]["open"] == 0
