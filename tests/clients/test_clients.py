"""The client examples against the real service, and against servers that refuse them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.runners import (
    CLIENTS,
    Run,
    back_end,
    post,
    settle_waiting,
    settled,
    skip_without,
)
from tests.clients.scripted import Answer, scripted
from tests.serving.process import Server, free_port, serving, until

DUST = "小区西侧旧厂房正在拆除，工地不洒水也不盖网，整条街灰蒙蒙的，请督促治理扬尘"
FROZEN = (
    "我们厂打一场货款官司，法院把厂里所有银行账户都冻结了，比对方要的钱多出几倍。"
    "现在四百多位退休工人的医药费报不了，抚恤金也停发了，求检察院监督！"
)
NOTHING = "你好"


@pytest.fixture(params=CLIENTS)
def client(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    skip_without(name)
    return name


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("state")


@pytest.fixture(scope="module")
def service(state: Path) -> Iterator[Server]:
    """The service, which stores what it decides."""
    with serving(TRIAGE_WORKERS="1", TRIAGE_STATE=str(state)) as server:
        yield server


def decision(**changed: object) -> bytes:
    """An answer in the form of the service."""
    fields = {
        "department": "civil",
        "urgent": False,
        "needs_review": False,
        "review_reasons": [],
    }
    return json.dumps(fields | changed, separators=(",", ":")).encode()


def test_messages_are_routed_or_put_before_a_person(
    client: str, service: Server, tmp_path: Path
) -> None:
    said = CLIENTS[client](Run(tmp_path, service.url), [DUST, FROZEN, NOTHING])
    found = settled(tmp_path)
    assert {text: place for text, (place, _) in found.items()} == {
        DUST: "routed/public_interest",
        FROZEN: "routed/civil",
        NOTHING: "person",
    }
    for text, (_, decided) in found.items():
        assert decided is not None
        assert decided["needs_review"] is (text == NOTHING)
    assert said.count(" urgent") == 1
    assert not any(text[:6] in said for text in (DUST, FROZEN, NOTHING))


def test_a_full_queue_is_asked_again_after_what_it_says(client: str, tmp_path: Path) -> None:
    full = Answer(503, retry_after="1")
    with scripted(full, Answer(200, decision())) as script:
        CLIENTS[client](Run(tmp_path, script.url, timeout_ms=20_000), [DUST])
    first, second = script.asked
    assert second.at - first.at >= 1.0
    assert first.request_id == second.request_id
    assert first.body == second.body
    assert first.key == second.key
    assert second.timeout_ms < first.timeout_ms <= 20_000
    assert settled(tmp_path)[DUST][0] == "routed/civil"


def test_what_is_asked_again_is_stored_once(
    client: str, service: Server, state: Path, tmp_path: Path
) -> None:
    """After a crash before the message moved; another message with the same words is another."""
    text = f"{DUST}，{client}"
    waiting = tmp_path / "waiting"
    waiting.mkdir()
    for names in (["第 一.json"], ["第 一.json", "2.json"]):
        for name in names:
            (waiting / name).write_text(json.dumps({"text": text}), encoding="utf-8")
        settle_waiting(client, Run(tmp_path, service.url))
    with sqlite3.connect(state / "triage.db") as database:
        asked = "SELECT count(*) FROM messages WHERE text = ?"
        assert database.execute(asked, (text,)).fetchone() == (2,)
    database.close()


def test_a_cut_attempt_and_a_rate_limit_are_waited_for(client: str, tmp_path: Path) -> None:
    with scripted(Answer(409), Answer(429), Answer(200, decision())) as script:
        CLIENTS[client](Run(tmp_path, script.url, api_key="triage_invented"), [DUST])
    assert len({asked.key for asked in script.asked}) == 1
    assert [asked.authorization for asked in script.asked] == ["Bearer triage_invented"] * 3
    assert settled(tmp_path)[DUST][0] == "routed/civil"


def test_a_refusal_is_not_tried_again(client: str, tmp_path: Path) -> None:
    refusals = [400, 413, 422, 500, 504]
    texts = [f"{DUST}{n}" for n in range(len(refusals))]
    with scripted(*map(Answer, refusals)) as script:
        said = CLIENTS[client](Run(tmp_path, script.url), texts)
    assert len({asked.body for asked in script.asked}) == len(script.asked) == len(texts)
    assert len({asked.key for asked in script.asked}) == len(texts)
    assert {asked.authorization for asked in script.asked} == {None}
    assert settled(tmp_path) == dict.fromkeys(texts, ("person", None))
    assert all(f"status_{status}" in said for status in refusals)


def test_a_queue_that_stays_full_leaves_it_to_a_person(client: str, tmp_path: Path) -> None:
    with scripted(Answer(503, retry_after="1")) as script:
        CLIENTS[client](Run(tmp_path, script.url, timeout_ms=2_500), [DUST])
    assert 2 <= len(script.asked) <= 3
    assert settled(tmp_path) == {DUST: ("person", None)}


def test_a_service_that_is_not_there_leaves_it_to_a_person(client: str, tmp_path: Path) -> None:
    CLIENTS[client](Run(tmp_path, f"http://127.0.0.1:{free_port()}", timeout_ms=1_000), [DUST])
    assert settled(tmp_path) == {DUST: ("person", None)}


@pytest.mark.parametrize(
    "body",
    [
        b"<html>a proxy's page</html>",
        decision(department="../../elsewhere"),
        decision(needs_review=True, id='"needs_review":false'),
    ],
    ids=["page", "unknown-department", "quoted"],
)
def test_what_is_no_decision_to_route_by_goes_to_a_person(
    client: str, body: bytes, tmp_path: Path
) -> None:
    with scripted(Answer(200, body)) as script:
        CLIENTS[client](Run(tmp_path, script.url), [DUST])
    assert settled_place(tmp_path) == "person"


def test_the_mini_program_gets_a_receipt_for_what_is_stored_alone(tmp_path: Path) -> None:
    skip_without("node")
    run = Run(tmp_path, f"http://127.0.0.1:{free_port()}", timeout_ms=500)
    with back_end(run) as address:
        for body, status in (
            (b"no json", 400),
            (b"{}", 422),
            (b'{"text": " "}', 422),
            (json.dumps({"text": "长" * 20_001}).encode(), 422),
            (b" " * 300_000, 413),
        ):
            assert post(address, body) == status
        assert not list(tmp_path.rglob("*.json"))
        assert post(address, json.dumps({"text": DUST, "openid": "o6_secret"}).encode()) == 202
        until(lambda: bool(list(tmp_path.glob("person/*.json"))))
    (file,) = tmp_path.rglob("*.json")
    kept = json.loads(file.read_text(encoding="utf-8"))
    assert kept["text"] == DUST
    assert "o6_secret" not in file.read_text(encoding="utf-8")


def test_the_mini_program_goes_on_with_what_waited_when_it_ended(tmp_path: Path) -> None:
    skip_without("node")
    with scripted(Answer(200, decision())) as script:
        run = Run(tmp_path, script.url)
        run.wait([DUST, NOTHING])
        with back_end(run):
            until(lambda: len(list(tmp_path.glob("routed/civil/m ?.json"))) == 2)


def settled_place(spool: Path) -> str:
    """Where the only message lies, whatever lies beside it."""
    (file,) = (f for f in spool.rglob("*.json") if not f.name.endswith(".decision.json"))
    return str(file.parent.relative_to(spool))
