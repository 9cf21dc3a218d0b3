"""Every kind of bad input gets a clear 4xx problem, never a 500."""

from __future__ import annotations

import asyncio
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient
from starlette.types import Message, Receive, Scope, Send

from serving.middleware import BodyLimit
from serving.problems import KINDS, ProblemError

JSON = {"content-type": "application/json"}
GOOD = {"text": "请问如何申请支持起诉？"}

NO_JSON = {
    "empty body": b"",
    "blank body": b"  \n",
    "cut off": b'{"text": "a',
    "trailing comma": b'{"text": "a",}',
    "two values": b'{"text": "a"} {}',
    "raw control character": b'{"text": "a\x01b"}',
    "NaN": b'{"text": NaN}',
    "not UTF-8": '{"text": "你好"}'.encode("gbk"),
    "UTF-16": '{"text": "a"}'.encode("utf-16"),
    "UTF-8 surrogate": b'{"text": "\xed\xa0\x80"}',
    "deep nesting": b"[" * 100_000,
    "endless number": b'{"text": ' + b"9" * 10_000 + b"}",
}

NO_MESSAGE = {
    "list": ([], "message"),
    "null": (None, "message"),
    "string": ("你好", "message"),
    "no text": ({}, "text"),
    "text null": ({"text": None}, "text"),
    "text empty": ({"text": ""}, "text"),
    "text blank": ({"text": " \t\r\n\u3000"}, "text"),
    "text zero-width only": ({"text": "\u200b\u200d\ufeff"}, "text"),
    "text NUL only": ({"text": "\x00\x00"}, "text"),
    "text control characters only": ({"text": "\x01\x1b\x7f"}, "text"),
    "text number": ({"text": 5}, "text"),
    "text bool": ({"text": True}, "text"),
    "text list": ({"text": ["a"]}, "text"),
    "text object": ({"text": {"a": "b"}}, "text"),
    "text too long": ({"text": "长" * 20_001}, "text"),
    "text of 1 MB": ({"text": "a" * 1_000_000}, "text"),
    "high surrogate": ({"text": "a\ud83d"}, "text"),
    "low surrogate": ({"text": "\udc00a"}, "text"),
    "title number": (GOOD | {"title": 1}, "title"),
    "title too long": (GOOD | {"title": "长" * 1_001}, "title"),
    "title surrogate": (GOOD | {"title": "\ud800"}, "title"),
    "id number": (GOOD | {"id": 7}, "id"),
    "id empty": (GOOD | {"id": ""}, "id"),
    "id too long": (GOOD | {"id": "x" * 129}, "id"),
    "channel list": (GOOD | {"channel": []}, "channel"),
    "time": (GOOD | {"received_at": "昨天"}, "received_at"),
    "time without zone": (GOOD | {"received_at": "2024-05-01T08:30:00"}, "received_at"),
    "date alone": (GOOD | {"received_at": "2024-05-01"}, "received_at"),
    "time number": (GOOD | {"received_at": 1714521600}, "received_at"),
    "time number in a string": (GOOD | {"received_at": "1714521600"}, "received_at"),
    "time never": (GOOD | {"received_at": "9999-12-31T00:00:00Z"}, "received_at"),
    "time infinite": (GOOD | {"received_at": 1e308}, "received_at"),
    "attachments object": (GOOD | {"attachments": {"name": "a"}}, "attachments"),
    "attachments many": (GOOD | {"attachments": [{"name": "a"}] * 51}, "attachments"),
    "attachment bare": (GOOD | {"attachments": [{}]}, "attachments[0].name"),
    "attachment with data": (
        GOOD | {"attachments": [{"name": "a", "data": "aGk="}]},
        "attachments[0].data",
    ),
    "unknown field": (GOOD | {"urgent": True}, "urgent"),
    "unknown field in Chinese": (GOOD | {"正文": "a"}, "(unknown)"),
    "surrogate in a key": (GOOD | {"\ud800": 1}, "message"),
}

NO_BATCH = {
    "list": [GOOD],
    "no messages": {},
    "messages null": {"messages": None},
    "messages object": {"messages": GOOD},
    "none": {"messages": []},
    "too many": {"messages": [GOOD] * 257},
    "another field": {"messages": [GOOD], "model": "x"},
}


def is_problem(answer: object, status: int, code: str) -> dict[str, object]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    problem = answer.json()
    assert {"type", "title", "status", "detail", "code", "errors", "request_id"} == set(problem)
    assert problem["status"] == status == KINDS[code].status
    assert problem["code"] == code
    assert problem["type"] == f"/v1/problems#{code}"
    assert problem["request_id"] == answer.headers["x-request-id"]
    return problem


@pytest.mark.parametrize("path", ["/v1/classify", "/v1/classify/batch"])
@pytest.mark.parametrize("body", NO_JSON.values(), ids=NO_JSON)
def test_invalid_json(client: TestClient, path: str, body: bytes) -> None:
    is_problem(client.post(path, content=body, headers=JSON), 400, "invalid_json")


@pytest.mark.parametrize(("record", "field"), NO_MESSAGE.values(), ids=NO_MESSAGE)
def test_invalid_message(client: TestClient, record: object, field: str) -> None:
    # ASCII escapes, as a client that holds a lone surrogate would send it.
    body = json.dumps(record)
    problem = is_problem(
        client.post("/v1/classify", content=body, headers=JSON), 422, "invalid_message"
    )
    assert [error["field"] for error in problem["errors"]] == [field]
    batch = client.post("/v1/classify/batch", content=f'{{"messages":[{body}]}}', headers=JSON)
    assert batch.status_code == 200
    assert batch.json()["results"][0]["errors"] == problem["errors"]


@pytest.mark.parametrize("record", NO_BATCH.values(), ids=NO_BATCH)
def test_invalid_batch(client: TestClient, record: object) -> None:
    answer = client.post("/v1/classify/batch", json=record)
    assert is_problem(answer, 422, "invalid_batch")["errors"]


@pytest.mark.parametrize("path", ["/v1/classify", "/v1/classify/batch"])
@pytest.mark.parametrize(
    "query",
    ["explain", "explain=", "explain=yes", "explain=1", "explain=True", "explain=true%20",
     "explain=true&explain=true", "explain=true&explain=false", "explain=%FF", "explain=%E6%98%AF"],
)  # fmt: skip
def test_invalid_explain(client: TestClient, path: str, query: str) -> None:
    answer = client.post(f"{path}?{query}", json=GOOD)
    problem = is_problem(answer, 422, "invalid_parameter")
    assert problem["errors"] == [{"field": "explain", "detail": "must be true or false, once"}]


@pytest.mark.parametrize("path", ["/v1/classify", "/v1/classify/batch"])
@pytest.mark.parametrize(
    "given", ["", "0", "-1", "+5", "600001", "1000000", "1.5", "1e3", "5 s", "05", "soon", "١"]
)
def test_invalid_timeout(client: TestClient, path: str, given: str) -> None:
    headers = {"X-Request-Timeout-Ms": given.encode()}
    problem = is_problem(client.post(path, json=GOOD, headers=headers), 422, "invalid_parameter")
    detail = "must be a whole number from 1 to 600000"
    assert problem["errors"] == [{"field": "X-Request-Timeout-Ms", "detail": detail}]


@pytest.mark.parametrize("given", ["60000", "99999", "600000"])
def test_valid_timeout(client: TestClient, given: str) -> None:
    answer = client.post("/v1/classify", json=GOOD, headers={"X-Request-Timeout-Ms": given})
    assert answer.status_code == 200


def test_a_wrong_message_stays_wrong_when_explained(client: TestClient) -> None:
    answer = client.post("/v1/classify?explain=true", json={"text": " "})
    is_problem(answer, 422, "invalid_message")


def test_control_characters_beside_text_are_no_fault(client: TestClient) -> None:
    assert client.post("/v1/classify", json={"text": "你\x00好\x1b[31m吗"}).status_code == 200


@pytest.mark.parametrize(
    "kind", [None, "", "text/plain", "application/xml", "application/json; charset=gbk", "json"]
)
def test_body_must_be_declared_as_json(client: TestClient, kind: str | None) -> None:
    headers = {} if kind is None else {"content-type": kind}
    answer = client.post("/v1/classify", content=json.dumps(GOOD).encode(), headers=headers)
    is_problem(answer, 415, "unsupported_media_type")


def test_body_too_large_by_its_length(client: TestClient) -> None:
    body = json.dumps({"text": "a" * (2 * 1024 * 1024)})
    is_problem(client.post("/v1/classify", content=body, headers=JSON), 413, "body_too_large")


def test_body_too_large_without_a_declared_length(client: TestClient) -> None:
    pieces = (b"a" * 65_536 for _ in range(64))
    answer = client.post("/v1/classify", content=pieces, headers=JSON)
    is_problem(answer, 413, "body_too_large")


def test_body_too_large_is_refused_while_it_streams_in() -> None:
    sent = 0

    async def piece() -> Message:
        nonlocal sent
        sent += 1
        return {"type": "http.request", "body": b"a" * 65_536, "more_body": sent < 64}

    async def reading(_scope: Scope, receive: Receive, _send: Send) -> None:
        while (await receive())["more_body"]:
            pass

    async def send(_: Message) -> None:
        pytest.fail("nothing is answered here")

    limited = BodyLimit(reading, limit=2 * 1024 * 1024)
    with pytest.raises(ProblemError) as refused:
        asyncio.run(limited({"type": "http", "headers": []}, piece, send))
    assert refused.value.code == "body_too_large"
    assert sent == 33


def test_body_of_the_largest_size_is_read(client: TestClient) -> None:
    body = json.dumps(GOOD).encode()
    body += b" " * (2 * 1024 * 1024 - len(body))
    assert client.post("/v1/classify", content=body, headers=JSON).status_code == 200
    is_problem(
        client.post("/v1/classify", content=body + b" ", headers=JSON), 413, "body_too_large"
    )


def test_unknown_address(client: TestClient) -> None:
    for path in ("/v1/classify/", "/v1", "/static/none.js", "/%00", "/v1/classify/batch/x"):
        is_problem(client.get(path), 404, "not_found")


def test_wrong_method(client: TestClient) -> None:
    answer = client.get("/v1/classify")
    is_problem(answer, 405, "method_not_allowed")
    assert answer.headers["allow"] == "POST"
    is_problem(client.post("/v1/departments", json={}), 405, "method_not_allowed")


def test_unexpected_failure_shows_nothing(client: TestClient) -> None:
    answer = client.post("/v1/classify", json={"text": "触发故障"})
    problem = is_problem(answer, 500, "internal_error")
    assert "KeyError" not in answer.text
    assert problem["errors"] == []


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.sampled_from(["id", "title", "text", "channel", "received_at", "attachments", "x"])


@settings(max_examples=150, deadline=None)
@given(record=JSON_VALUES | st.dictionaries(FIELDS, JSON_VALUES, max_size=5))
def test_no_json_makes_a_500(client: TestClient, record: object) -> None:
    answer = client.post("/v1/classify", content=json.dumps(record), headers=JSON)
    assert answer.status_code in (200, 400, 422)


@settings(max_examples=100, deadline=None)
@given(body=st.binary(max_size=60))
def test_no_bytes_make_a_500(client: TestClient, body: bytes) -> None:
    answer = client.post("/v1/classify", content=body, headers=JSON)
    assert answer.status_code in (200, 400, 422)
