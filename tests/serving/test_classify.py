"""Good requests: a message, a batch, labels, probes, metrics."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from tests.fakes import FakeClassifier
from tests.serving.conftest import fake_app, wait_until_ready
from tests.serving.process import alive, until
from triage.types import Decision, Message

DUST = {"id": "a-1", "title": "工地", "text": "门口的工地整天扬尘，请管一管。"}
FROZEN = {"text": "账户被冻结，工资发不出来。"}


def test_answer_is_the_decisions_own_json(client: TestClient) -> None:
    answer = client.post("/v1/classify", json=DUST)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    expected = FakeClassifier().classify(Message(**DUST))
    assert answer.content == expected.model_dump_json().encode()


def test_all_fields_are_accepted(client: TestClient) -> None:
    full = DUST | {
        "channel": "12309",
        "received_at": "2026-03-01T08:00:00+08:00",
        "attachments": [{"name": "照片.jpg", "url": "https://example.invalid/a.jpg"}],
    }
    assert client.post("/v1/classify", json=full).status_code == 200


def test_json_may_be_declared_with_charset_or_suffix(client: TestClient) -> None:
    body = json.dumps(DUST).encode()
    for kind in ("application/json; charset=UTF-8", 'application/json;charset="utf-8"',
                 "application/vnd.estation+json", "APPLICATION/JSON"):  # fmt: skip
        answer = client.post("/v1/classify", content=body, headers={"content-type": kind})
        assert answer.status_code == 200, kind


def test_byte_order_mark_is_no_fault(client: TestClient) -> None:
    body = b"\xef\xbb\xbf" + json.dumps(DUST).encode()
    answer = client.post("/v1/classify", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 200


def test_batch_keeps_order_and_bytes(client: TestClient) -> None:
    messages = [dict(DUST, id=str(n)) if n % 2 else dict(FROZEN, id=str(n)) for n in range(256)]
    answer = client.post("/v1/classify/batch", json={"messages": messages})
    assert answer.status_code == 200
    singles = [client.post("/v1/classify", json=message).content for message in messages[:4]]
    assert answer.content.startswith(b'{"results":[' + b",".join(singles))
    assert [result["id"] for result in answer.json()["results"]] == [str(n) for n in range(256)]


def test_one_bad_entry_does_not_fail_the_others(client: TestClient) -> None:
    entries = [DUST, {"text": " "}, {"txt": "x"}, 5, {"text": "触发故障"}, FROZEN]
    results = client.post("/v1/classify/batch", json={"messages": entries}).json()["results"]
    assert [result.get("code") for result in results] == [
        None, "invalid_message", "invalid_message", "invalid_message", "internal_error", None,
    ]  # fmt: skip
    assert results[2]["errors"][0]["field"] == "text"
    assert Decision.model_validate_json(json.dumps(results[5])).urgent


def test_work_runs_in_the_workers(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    with TestClient(fake_app("obedient", bundle=journal)) as client:
        wait_until_ready(client)
        client.post("/v1/classify", json=DUST)
    ((pid, began),) = [line.split() for line in journal.read_text().splitlines()]
    assert began == DUST["id"]
    assert int(pid) != os.getpid()
    until(lambda: not alive(int(pid)))  # it ended with the service


def test_labels_have_chinese_names(client: TestClient) -> None:
    labels = client.get("/v1/departments").json()
    assert labels["departments"][0] == {"id": "civil", "name": "民事检察"}
    assert [len(labels[key]) for key in ("departments", "reasons", "review_reasons")] == [4, 7, 4]


def test_alive_at_once_ready_when_warm() -> None:
    with TestClient(fake_app("slow_start")) as client:
        assert client.get("/livez").status_code == 200
        refused = client.get("/readyz")
        assert refused.status_code == 503
        assert refused.json()["code"] == "not_ready"
        assert refused.headers["retry-after"] == "1"
        assert client.post("/v1/classify", json=DUST).status_code == 503
        wait_until_ready(client)
        assert client.post("/v1/classify", json=DUST).status_code == 200


def test_failed_warm_up_stays_not_ready(caplog: pytest.LogCaptureFixture) -> None:
    with TestClient(fake_app("broken")) as client:
        until(lambda: "not started" in caplog.text)
        assert client.get("/readyz").status_code == 503
        assert client.get("/livez").status_code == 200


def test_metrics_count_what_happened() -> None:
    with TestClient(fake_app()) as client:
        wait_until_ready(client)
        client.post("/v1/classify", json=DUST)
        client.post("/v1/classify", json=FROZEN)
        client.post("/v1/classify", json={"text": ""})
        client.post("/v1/classify/batch", json={"messages": [FROZEN, {"text": ""}]})
        client.get("/nowhere/private")
        answer = client.get("/metrics")
    lines = answer.text.splitlines()
    assert answer.headers["content-type"].startswith("text/plain")
    for line in (
        'triage_decisions_total{department="public_interest"} 1.0',
        'triage_decisions_total{department="complaints"} 0.0',
        "triage_urgent_total 2.0",
        'triage_urgency_reasons_total{reason="livelihood"} 2.0',
        'triage_refusals_total{code="invalid_message"} 2.0',
        'triage_requests_total{route="/v1/classify",status="200"} 2.0',
        'triage_requests_total{route="(other)",status="404"} 1.0',
        "triage_ready 1.0",
        'triage_versions{model="fake@1+00000000",normaliser="1",rulebook="fake@1+0000"} 1.0',
        'triage_stage_seconds_count{stage="classify"} 3.0',
        'triage_stage_seconds_count{stage="parse"} 3.0',
        'triage_stage_seconds_count{stage="queue"} 5.0',
        'triage_waiting{lane="single"} 0.0',
        'triage_waiting{lane="batch"} 0.0',
        'triage_workers{state="ready"} 1.0',
        'triage_workers{state="wanted"} 1.0',
    ):
        assert line in lines, line


@pytest.mark.parametrize("explain", [False, True])
def test_explained_on_request_only(client: TestClient, explain: bool) -> None:
    query = {"explain": "true" if explain else "false"}
    expected = FakeClassifier().classify(Message(**DUST), explain=explain).model_dump_json()
    answer = client.post("/v1/classify", json=DUST, params=query)
    assert answer.content == expected.encode()
    plain = client.post("/v1/classify", json=DUST)
    assert (answer.content == plain.content) is not explain
    assert [e["source"] for e in answer.json()["evidence"]] == ["model" if explain else "rule"]


def test_a_batch_is_explained_as_its_messages_are(client: TestClient) -> None:
    body = {"messages": [DUST, {"text": ""}, FROZEN]}
    query = {"explain": "true"}
    batch = client.post("/v1/classify/batch", json=body, params=query)
    single = client.post("/v1/classify", json=DUST, params=query)
    assert batch.content.startswith(b'{"results":[' + single.content)
    assert [result.get("code") for result in batch.json()["results"]] == [
        None, "invalid_message", None,
    ]  # fmt: skip


def test_explanations_are_a_stage_of_their_own() -> None:
    with TestClient(fake_app()) as client:
        wait_until_ready(client)
        client.post("/v1/classify", json=DUST)
        client.post("/v1/classify?explain=true", json=DUST)
        client.post("/v1/classify?explain=maybe", json=DUST)
        lines = client.get("/metrics").text.splitlines()
    for line in (
        'triage_stage_seconds_count{stage="classify"} 1.0',
        'triage_stage_seconds_count{stage="explain"} 1.0',
        'triage_refusals_total{code="invalid_parameter"} 1.0',
    ):
        assert line in lines, line


def test_request_id_is_taken_or_made(client: TestClient) -> None:
    given = client.post("/v1/classify", json=DUST, headers={"X-Request-ID": "desk-7.42"})
    assert given.headers["x-request-id"] == "desk-7.42"
    for bad in ("", "a b", "x" * 65, "é", "<script>"):
        made = client.get("/livez", headers={"X-Request-ID": bad.encode()})
        assert made.headers["x-request-id"] != bad
        assert len(made.headers["x-request-id"]) == 32
