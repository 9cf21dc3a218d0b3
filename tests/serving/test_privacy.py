"""A canary in any part of a request never reaches logs, metrics or errors."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send

from serving import logs
from serving.logs import JsonFormatter
from serving.metrics import Metrics
from serving.middleware import RequestContext
from tests.serving.conftest import fake_app, wait_until_ready
from tests.serving.process import until

CANARY = "金丝雀七九三"
ASCII = "canarybird"
JSON = {"content-type": "application/json"}


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """Everything logged, in the service's format, at the lowest level."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    logs.configure("debug")
    # The test's own client logs addresses; it is no part of the service.
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    stream = io.StringIO()
    root.handlers[0] = logging.StreamHandler(stream)
    root.handlers[0].setFormatter(JsonFormatter())
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(False)


def _requests() -> list[tuple[str, str, dict[str, object]]]:
    bodies = [
        {"text": CANARY},
        {"text": CANARY + "触发故障" + ASCII},
        {"text": CANARY + "\ud800"},
        {"text": [CANARY]},
        {"text": CANARY * 20_000},
        {CANARY: 1, ASCII + " x": 1, "text": "a"},
        {"text": "a", "title": {CANARY: ASCII}, "received_at": ASCII, "id": [ASCII]},
        {"text": "a", "attachments": [{"name": CANARY, ASCII + "!": CANARY}]},
        [CANARY],
    ]
    sent = [("POST", "/v1/classify", {"content": json.dumps(b), "headers": JSON}) for b in bodies]
    batch = json.dumps({"messages": bodies})
    sent += [
        ("POST", "/v1/classify/batch", {"content": batch, "headers": JSON}),
        ("POST", "/v1/classify/batch", {"content": json.dumps({CANARY: 1}), "headers": JSON}),
        ("POST", "/v1/classify", {"content": f'{{"text": "{CANARY}', "headers": JSON}),
        ("POST", "/v1/classify", {"content": CANARY.encode("gbk") + b"\xff", "headers": JSON}),
        ("POST", "/v1/classify", {"content": CANARY.encode(), "headers": {"content-type": ASCII}}),
        ("POST", f"/v1/classify/{ASCII}", {"content": "{}", "headers": JSON}),
        ("GET", f"/{CANARY}?text={CANARY}", {}),
        ("GET", f"/v1/departments?text={CANARY}", {}),
        ("GET", "/livez", {"headers": {"x-request-id": f"{ASCII} {ASCII}"}}),
        (ASCII.upper(), "/v1/classify", {"content": CANARY.encode(), "headers": JSON}),
    ]
    return sent


def test_canary_stays_out_of_logs_metrics_and_errors(log: io.StringIO) -> None:
    with TestClient(fake_app()) as client:
        wait_until_ready(client)
        for method, path, content in _requests():
            answer = client.request(method, path, **content)
            if answer.status_code >= 400:
                _is_clean(answer.text)
            elif path == "/v1/classify/batch":
                problems = [r for r in answer.json()["results"] if "code" in r]
                assert len(problems) == 8
                _is_clean(json.dumps(problems, ensure_ascii=False))
        _is_clean(client.get("/metrics").text)
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    assert any(line["message"] == "message failed" for line in lines)
    assert any(line.get("exception") == "KeyError" for line in lines)
    assert sum(line["message"] == "request" for line in lines) >= len(_requests())
    _is_clean(log.getvalue())


def test_each_request_is_logged_with_its_id(log: io.StringIO) -> None:
    with TestClient(fake_app()) as client:
        wait_until_ready(client)
        client.post("/v1/classify", json={"text": "a"}, headers={"x-request-id": "one"})
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    (line,) = [line for line in lines if line.get("request_id") == "one"]
    assert {k: line[k] for k in ("method", "path", "status", "level")} == {
        "method": "POST", "path": "/v1/classify", "status": 200, "level": "info",
    }  # fmt: skip
    assert line["ms"] >= 0


def test_exceptions_are_logged_without_their_message(log: io.StringIO) -> None:
    with TestClient(fake_app("broken")):
        until(lambda: "not started" in log.getvalue())
    assert "RuntimeError" in log.getvalue()
    assert "秘密" not in log.getvalue()
    try:
        raise ValueError(CANARY)
    except ValueError:
        logging.getLogger("uvicorn.error").exception("Exception in ASGI application\n")
    _is_clean(log.getvalue())


async def _fails(scope: Scope, receive: Receive, _send: Send) -> None:
    if scope["type"] == "http":
        await receive()
        raise ValueError(CANARY)


def test_what_nobody_caught_is_answered_and_logged_without_its_message(log: io.StringIO) -> None:
    metrics = Metrics()
    surrounded = RequestContext(_fails, metrics, frozenset())
    answer = TestClient(surrounded).post("/" + CANARY, content=CANARY)
    assert answer.status_code == 500
    assert answer.json()["code"] == "internal_error"
    _is_clean(answer.text + metrics.exposition().decode())
    (line,) = [entry for entry in map(json.loads, log.getvalue().splitlines())
               if entry["message"] == "request failed"]  # fmt: skip
    assert line["exception"] == "ValueError"
    assert line["request_id"] == answer.headers["x-request-id"]
    _is_clean(log.getvalue())


def _is_clean(text: str) -> None:
    plain = text + json.dumps(text, ensure_ascii=False)
    for mark in (CANARY, ASCII, ASCII.upper(), json.dumps(CANARY)[1:-1]):
        assert mark not in plain
