"""A real server process on a loopback port: start, answer, stop; refusals to start."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.serving.process import (
    PATIENCE,
    ROOT,
    Server,
    alive,
    free_port,
    running,
    serving_fakes,
    until,
)

TEXT = "门口的工地整天扬尘"


@pytest.fixture
def server() -> Iterator[Server]:
    with serving_fakes("plain", TRIAGE_WORKERS="2") as started:
        yield started


def test_start_answer_and_stop(server: Server) -> None:
    assert server.answers("/livez")
    answer = server.client.post("/v1/classify", json={"text": TEXT})
    assert answer.json()["department"] == "public_interest"
    assert "server" not in answer.headers
    batch = {"messages": [{"text": TEXT}, {"text": ""}]}
    results = server.client.post("/v1/classify/batch", json=batch).json()["results"]
    assert results[0] == answer.json()
    assert results[1]["code"] == "invalid_message"

    workers = server.workers()
    assert len(workers) == 2
    assert server.stop() in (0, -signal.SIGTERM)
    assert server.out.read_bytes() == b""
    assert {"starting", "ready", "request"} <= {line["message"] for line in server.log()}
    assert TEXT not in server.err.read_text(encoding="utf-8")
    assert not any(map(alive, workers))


def test_workers_end_with_a_service_that_was_killed(server: Server) -> None:
    workers = server.workers()
    assert all(map(alive, workers))
    server.process.kill()
    until(lambda: not any(map(alive, workers)))
    assert "Traceback" not in server.err.read_text(encoding="utf-8")


def test_large_bodies_are_refused_on_a_real_connection(server: Server) -> None:
    headers = {"content-type": "application/json"}
    declared = server.client.post("/v1/classify", content=b" " * 3_000_000, headers=headers)
    assert declared.status_code == 413
    chunks = (b" " * 65_536 for _ in range(48))
    streamed = server.client.post("/v1/classify", content=chunks, headers=headers)
    assert streamed.json()["code"] == "body_too_large"
    assert server.client.post("/v1/classify", json={"text": TEXT}).status_code == 200


def test_workers_take_nothing_from_the_working_directory(tmp_path: Path) -> None:
    for name in ("json", "triage", "serving", "sitecustomize"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit(7)")
    port = str(free_port())
    command = (sys.executable, "-P", "-m", "tests.serving.fake_server", port, "plain")
    path = {"PYTHONPATH": str(ROOT), "TRIAGE_WORKERS": "1"}
    with running(*command, port=int(port), cwd=tmp_path, **path) as server:
        server.wait("/readyz")


def serve(*options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.serving.serve_command", "--workers", "1", *options],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
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
