"""A real server process on a loopback port: start, answer, stop; refusals to start."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.serving.process import ROOT, Server, free_port, running

TEXT = "门口的工地整天扬尘"


@pytest.fixture
def server() -> Iterator[Server]:
    port = free_port()
    command = (sys.executable, "-m", "tests.serving.fake_server", str(port))
    with running(*command, port=port) as started:
        yield started


def test_start_answer_and_stop(server: Server) -> None:
    server.wait("/livez")
    server.wait("/readyz")
    answer = httpx2.post(server.url + "/v1/classify", json={"text": TEXT})
    assert answer.json()["department"] == "public_interest"
    assert "server" not in answer.headers
    batch = {"messages": [{"text": TEXT}, {"text": ""}]}
    results = httpx2.post(server.url + "/v1/classify/batch", json=batch).json()["results"]
    assert results[0] == answer.json()
    assert results[1]["code"] == "invalid_message"

    server.process.send_signal(signal.SIGTERM)
    out, err = server.process.communicate(timeout=30)
    assert server.process.returncode in (0, -signal.SIGTERM)
    assert out == ""
    lines = [json.loads(line) for line in err.splitlines()]
    assert {"starting", "ready", "request"} <= {line["message"] for line in lines}
    assert TEXT not in err


def test_large_bodies_are_refused_on_a_real_connection(server: Server) -> None:
    server.wait("/readyz")
    headers = {"content-type": "application/json"}
    with httpx2.Client(base_url=server.url) as client:
        declared = client.post("/v1/classify", content=b" " * 3_000_000, headers=headers)
        assert declared.status_code == 413
        chunks = (b" " * 65_536 for _ in range(48))
        streamed = client.post("/v1/classify", content=chunks, headers=headers)
        assert streamed.json()["code"] == "body_too_large"
        assert client.post("/v1/classify", json={"text": TEXT}).status_code == 200


def serve(*options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.serving.serve_command", *options],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_broken_bundle_refuses_to_start(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text("{}")
    stopped = serve("--bundle", str(tmp_path), "--port", str(free_port()))
    assert stopped.returncode == 2
    assert "invalid_bundle" in stopped.stderr
    assert "manifest.json" in stopped.stderr
    assert "Traceback" not in stopped.stderr


def test_missing_bundle_refuses_to_start(tmp_path: Path) -> None:
    stopped = serve(TRIAGE_BUNDLE=str(tmp_path / "none"))
    assert stopped.returncode == 2
    assert "is no bundle" in stopped.stderr


def test_rulebook_with_a_bad_pattern_refuses_to_start(tmp_path: Path) -> None:
    book = tmp_path / "book.yaml"
    book.write_text(
        "rulebook: {name: mine, version: '1'}\n"
        "author: 测试\n"
        "rules:\n"
        "  - {id: broken-one, label: civil, weight: 1, note: 坏, pattern: '欠(款'}\n",
        encoding="utf-8",
    )
    stopped = serve("--rulebook", str(book))
    assert stopped.returncode == 2
    assert "invalid_rulebook" in stopped.stderr
    assert "broken-one" in stopped.stderr
    assert "book.yaml" in stopped.stderr
    assert "Traceback" not in stopped.stderr


def test_wrong_setting_refuses_to_start() -> None:
    stopped = serve(TRIAGE_PORT="many")
    assert stopped.returncode == 2
    assert "TRIAGE_PORT" in stopped.stderr
    assert "Traceback" not in stopped.stderr
