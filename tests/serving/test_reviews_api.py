"""What reviewers do, through the addresses for it, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from serving.store.actors import Permission, Role
from serving.store.opening import Store
from serving.store.tables import audit
from tests.serving.reviewing import decide, key, served, session, verdict
from tests.store.people import new_id
from tests.store.postgres import KINDS, fresh_url
from tests.store.records import stored
from triage.types import Department

PHONE = "13812345678"
TEXT = f"欠我三万元不还，我的电话{PHONE}"
DUST = f"电话{PHONE}，工地扬尘扰民"


@dataclass
class Office:
    """The application, its store, and who works with it."""

    client: Any
    store: Store
    li: dict[str, str]
    wang: dict[str, str]
    program: dict[str, str]

    def get(self, path: str, headers: dict[str, str] | None = None, **query: Any) -> Any:
        return self.client.get(path, headers=headers or self.li, params=query)

    def post(self, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Any:
        return self.client.post(path, json=body, headers=headers or self.li)


@pytest.fixture(scope="module", params=KINDS)
def office(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Office]:
    folder: Path = tmp_path_factory.mktemp("office")
    with served(folder, fresh_url(request.param, folder)) as (client, store):
        yield Office(
            client,
            store,
            session(store, "li", Role.REVIEWER, Department.CIVIL),
            session(store, "wang", Role.REVIEWER, Department.PUBLIC_INTEREST),
            key(store, "front-end", Permission.REVIEW),
        )


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def records(office: Office, action: str) -> list[Any]:
    with office.store.database.read() as connection:
        return list(connection.execute(select(audit).where(audit.c.action == action)))


def test_who_works_through_the_queue(office: Office) -> None:
    channel = new_id()
    urgent, sure = stored(office.store, "账户被冻结了", TEXT, channel=channel)
    shown = office.get("/v1/reviews", tab="all", channel=channel, limit=1).json()
    assert [row["message_id"] for row in shown["rows"]] == [urgent]
    assert shown["counts"] == {"urgent": 1, "review": 1, "all": 2, "mine": 0, "done": 0}
    rest = office.get("/v1/reviews", tab="all", channel=channel, cursor=shown["next"]).json()
    assert [row["message_id"] for row in rest["rows"]] == [sure]
    assert (rest["next"], rest["counts"]) == (None, None)

    opened = office.post(f"/v1/reviews/next?tab=all&channel={channel}")
    assert opened.json()["message_id"] == urgent
    assert opened.json()["lease"]["holder"] == "user:li"
    assert opened.headers["etag"] == '"0"'
    body = verdict("administrative", note="应由行政检察处理")
    done = decide(office.client, office.li, urgent, 0, body)
    assert (done.status_code, done.headers["etag"]) == (200, '"1"')
    assert done.json() == {"message_id": urgent, "version": 1}
    assert decide(office.client, office.li, urgent, 0, body).json() == done.json()

    undoable = office.get("/v1/reviews/undo").json()
    assert undoable[0]["id"] == body["id"]
    taken = office.post("/v1/reviews/undo", {"id": new_id(), "undoes": body["id"]})
    assert taken.json() == {"message_id": urgent, "version": 2}
    told = office.get(f"/v1/reviews/{urgent}/history").json()
    assert [(made["kind"], made["version"]) for made in told] == [("undo", 2), ("correct", 1)]
    assert told[1]["note"] == "应由行政检察处理"


def test_there_may_be_none_left(office: Office) -> None:
    answer = office.post(f"/v1/reviews/next?channel={new_id()}")
    assert (answer.status_code, answer.content) == (204, b"")


def test_who_comes_later_gets_both_versions(office: Office) -> None:
    (number,) = stored(office.store, TEXT)
    decide(office.client, office.program, number, 0, verdict("none", note=f"打{PHONE}"))
    late = decide(office.client, office.li, number, 0, verdict("complaints"))
    assert code(late) == (412, "conflict")
    assert late.headers["content-type"] == "application/problem+json"
    assert (late.json()["version"], late.headers["etag"]) == (1, '"1"')
    assert late.json()["latest"]["actor"] == "key:front-end"
    assert late.json()["latest"]["label"]["department"] == "none"
    assert late.json()["latest"]["note"] == "打138••••5678"
    assert decide(office.client, office.li, number, 1, verdict("complaints")).status_code == 200


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (None, (428, "precondition_required")),
        ("3", (422, "invalid_parameter")),
        ('W/"0"', (422, "invalid_parameter")),
        ("*", (422, "invalid_parameter")),
        ('"0", "1"', (422, "invalid_parameter")),
    ],
)
def test_a_decision_needs_the_version(office: Office, given: str | None, wanted: object) -> None:
    headers = office.li | ({"If-Match": given} if given else {})
    assert code(office.post("/v1/reviews/1", verdict(), headers)) == wanted


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        (verdict(urgent=True), (422, "invalid_label")),
        (verdict(urgent=True, reasons=[]), (422, "invalid_label")),
        (verdict(reasons=["deadline"]), (422, "invalid_label")),
        (verdict("criminal"), (422, "invalid_body")),
        (verdict(reasons=["bad"]), (422, "invalid_body")),
        (verdict(id="7"), (422, "invalid_body")),
        (verdict(note="长" * 2_001), (422, "invalid_body")),
        (verdict(more=1), (422, "invalid_body")),
    ],
)
def test_a_decision_that_cannot_be_is_refused(office: Office, body: Any, wanted: object) -> None:
    (number,) = stored(office.store, TEXT)
    answer = decide(office.client, office.li, number, 0, body)
    assert code(answer) == wanted
    assert answer.json()["errors"]
    assert office.get(f"/v1/messages/{number}").json()["version"] == 0


def test_an_id_is_for_one_decision(office: Office) -> None:
    first, second = stored(office.store, TEXT, TEXT)
    body = verdict()
    assert decide(office.client, office.li, first, 0, body).status_code == 200
    assert code(decide(office.client, office.li, second, 0, body)) == (422, "reused_id")


def test_what_is_not_ones_own_is_as_what_does_not_exist(office: Office) -> None:
    (number,) = stored(office.store, DUST)
    for missing in (number, 2**62):
        answers = [
            office.get(f"/v1/messages/{missing}"),
            office.post(f"/v1/messages/{missing}/reveal"),
            office.post(f"/v1/messages/{missing}/replies", {"kind": "replied"}),
            office.get(f"/v1/reviews/{missing}/history"),
            office.post(f"/v1/reviews/{missing}/lease"),
            decide(office.client, office.li, missing, 0),
        ]
        assert [code(answer) for answer in answers] == [(404, "not_found")] * 6
    assert records(office, "reveal") == []
    assert office.get(f"/v1/messages/{number}", office.wang).status_code == 200
    answer = office.post("/v1/reviews/undo", {"id": new_id(), "undoes": new_id()})
    assert code(answer) == (404, "not_found")


def test_personal_data_is_masked_until_it_is_revealed(office: Office) -> None:
    (number,) = stored(office.store, DUST, title=f"回电{PHONE}")
    listed = office.get("/v1/reviews", office.wang, tab="all", text="扬尘")
    shown = office.get(f"/v1/messages/{number}", office.wang)
    assert PHONE not in listed.text + shown.text
    message = shown.json()
    assert message["masked"]
    assert message["text"] == DUST.replace(PHONE, "138••••5678")
    assert message["decision"]["evidence"][0]["text"] == "扬尘"
    revealed = office.post(f"/v1/messages/{number}/reveal", headers=office.wang).json()
    assert (revealed["text"], revealed["title"]) == (DUST, f"回电{PHONE}")
    (record,) = records(office, "reveal")
    assert (record.actor, record.object) == ("user:wang", f"message:{number}")


def test_looking_is_noted_once(office: Office) -> None:
    (number,) = stored(office.store, TEXT)
    assert office.get(f"/v1/messages/{number}").json()["first_seen_at"] is None
    first = office.get(f"/v1/messages/{number}").json()["first_seen_at"]
    assert first is not None
    assert office.get(f"/v1/messages/{number}").json()["first_seen_at"] == first


def test_a_lease_is_seen_by_others(office: Office) -> None:
    (number,) = stored(office.store, TEXT)
    path = f"/v1/reviews/{number}/lease"
    assert office.post(path).json()["holder"] == "user:li"
    assert office.post(path, headers=office.program).json()["holder"] == "user:li"
    assert (
        office.get(f"/v1/messages/{number}", office.program).json()["lease"]["holder"] == "user:li"
    )
    assert office.client.delete(path, headers=office.li).status_code == 204
    assert office.get(f"/v1/messages/{number}").json()["lease"] is None


def test_replies_are_noted(office: Office) -> None:
    (number,) = stored(office.store, TEXT)
    path = f"/v1/messages/{number}/replies"
    first = office.post(path, {"kind": "replied"}).json()
    assert office.post(path, {"kind": "replied"}).json() == first
    assert office.post(path, {"kind": "answered"}).json()["at"] > first["at"]
    assert code(office.post(path, {"kind": "forgotten"})) == (422, "invalid_body")


@pytest.mark.parametrize(
    "query",
    [{"cursor": "WzFd"}, {"tab": "none"}, {"limit": 0}, {"limit": 201}, {"since": "2026-11-02"},
     {"reason": "bad"}, {"department": "none"}, {"text": "长" * 101}],
)  # fmt: skip
def test_parameters_are_checked(office: Office, query: dict[str, Any]) -> None:
    assert code(office.get("/v1/reviews", **query)) == (422, "invalid_parameter")


def test_who_may_ask(office: Office) -> None:
    for name, role in (("zhou", Role.SCIENTIST),):
        assert code(office.get("/v1/reviews", session(office.store, name, role))) == (
            403,
            "forbidden",
        )
    other = key(office.store, "intake", Permission.CLASSIFY)
    assert code(office.get("/v1/reviews", other)) == (403, "forbidden")
    assert code(office.get("/v1/reviews", {"X-Nobody": "1"})) == (401, "unauthenticated")
    foreign = office.li | {"Sec-Fetch-Site": "cross-site"}
    assert code(decide(office.client, foreign, 1, 0)) == (403, "cross_site")


def test_the_chain_is_whole(office: Office) -> None:
    with office.store.database.read() as connection:
        assert office.store.audit.verify(connection).fault is None


def test_without_a_store_there_is_nothing(client: TestClient) -> None:
    answer = client.get("/v1/reviews")
    assert code(answer) == (404, "storing_off")
