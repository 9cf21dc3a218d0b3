"""Messages with invented numbers and names go through all of the service; what it writes and tells
about itself holds none of them. `CANARIES=10000` sends so many instead of 200."""

from __future__ import annotations

import json
import os
import random
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from serving.store import keys
from serving.store.actors import COMMAND, SCOPES, Role
from serving.store.opening import Store, open_store
from tests.serving.process import Server, serving_fakes, until
from tests.serving.reviewing import session, verdict
from tests.serving.test_tracing import Collector, collector  # noqa: F401 - a fixture
from tests.store.people import new_id

COUNT = int(os.environ.get("CANARIES", "200"))
# Characters that no other text here uses, so that a name can be looked for by itself.
_NAMES = "龘靐齉爨麤灪麣鸾囍犇骉羴猋驫"


def canary(number: int) -> tuple[str, list[str]]:
    """A message, and what must not be found anywhere."""
    rng = random.Random(number)
    name = f"{rng.choice(_NAMES)}{rng.choice(_NAMES)}{number}"
    phone = f"1{rng.choice('3578')}{number:09d}"
    identity = f"99{number:015d}X"
    text = f"我叫{name}，身份证{identity}，电话{phone}。工地扬尘很大，账户也被冻结了。"
    return text, [name, phone, identity]


def key(store: Store) -> dict[str, str]:
    with store.database.write() as connection:
        made = keys.add(connection, store.audit, COMMAND, "all", SCOPES, now=datetime.now(UTC))
    return {"Authorization": f"Bearer {made}"}


def send(server: Server, headers: dict[str, str]) -> list[str]:
    """Everything that is refused on purpose; returns the bodies of the refusals."""
    told = []
    for start in range(0, COUNT, 50):
        texts = [canary(number)[0] for number in range(start, min(start + 50, COUNT))]
        batch = {"messages": [{"text": text} for text in texts]}
        assert server.client.post("/v1/classify/batch", json=batch, headers=headers).is_success
        text = texts[0]
        bad: list[dict[str, Any]] = [
            {"json": {"text": [text]}},
            {"json": {text: 1}},
            {"json": {"text": text + "触发故障"}},
            {"content": text.encode(), "headers": {"content-type": "application/json"}},
        ]
        for one in bad:
            given = one | {"headers": headers | one.get("headers", {})}
            answer = server.client.post("/v1/classify", params={"q": "1"}, **given)
            told.append(answer.text)
    return told


def work(server: Server, headers: dict[str, str]) -> list[str]:
    """What reviewers do, well and badly; returns what must not hold a text."""
    client, told = server.client, []
    for _ in range(5):
        taken = client.post("/v1/reviews/next", headers=headers)
        number = taken.json()["message_id"]
        told.append(taken.text)
        words = canary(number)[0]
        told += [
            client.get(f"/v1/messages/{words}", headers=headers).text,
            client.get("/v1/reviews", params={"tab": words}, headers=headers).text,
            client.post(f"/v1/reviews/{number}", json={"note": [words]}, headers=headers).text,
            client.get(f"/{words}", headers=headers).text,
        ]
        client.get("/v1/reviews", params={"tab": "all", "text": words[:20]}, headers=headers)
        version = headers | {"If-Match": '"0"'}
        made = verdict(note=words) | {"id": new_id()}
        assert client.post(f"/v1/reviews/{number}", json=made, headers=version).is_success
        assert client.post(f"/v1/messages/{number}/reveal", headers=headers).is_success
        client.get(f"/messages/{number}", headers=headers | {"Accept": "text/html"})
    client.get("/v1/exports", headers=headers)
    client.get("/queue", params={"q": canary(1)[0]}, headers=headers | {"Accept": "text/html"})
    return told


def test_nothing_of_a_message_is_told(
    collector: Collector,  # noqa: F811
    tmp_path: Path,
) -> None:
    store = open_store(tmp_path)
    assert store is not None
    programs, person = key(store), session(store, "admin2", Role.ADMIN)
    endpoint = f"http://127.0.0.1:{collector.server_address[1]}"
    with serving_fakes(
        "plain",
        TRIAGE_STATE=str(tmp_path),
        TRIAGE_LOG_LEVEL="debug",
        OTEL_EXPORTER_OTLP_ENDPOINT=endpoint,
    ) as server:
        refused = send(server, programs)
        shown = work(server, person)
        metrics = server.client.get("/metrics").text
        server.stop()
        logs = server.err.read_text(encoding="utf-8") + server.out.read_text(encoding="utf-8")
    until(lambda: bool(collector.bodies))
    traces = b"".join(collector.bodies).decode("utf-8", "ignore")
    with store.database.read() as connection:
        assert store.audit.verify(connection).fault is None
        chain = json.dumps(
            [list(map(str, row)) for row in connection.exec_driver_sql("SELECT * FROM audit")],
            ensure_ascii=False,
        )
    store.close()
    # Masked texts may be shown to who may see them, names in them too; numbers never.
    places = {"logs": logs, "metrics": metrics, "traces": traces, "audit": chain,
              "refusals": "".join(refused)}  # fmt: skip
    assert "reveal" in chain
    for number in range(COUNT):
        name, phone, identity = canary(number)[1]
        for place, told in places.items():
            found = [secret for secret in (name, phone, identity) if secret in told]
            assert not found, f"{found} in {place}"
        assert not any(phone in told or identity in told for told in shown)
