"""The same text gives the same bytes alone, in a batch of mixed lengths, by CLI and by HTTP."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import pytest

from tests.messages import mixed
from tests.serving.process import ROOT, Server, serving
from triage.pipeline import Pipeline
from triage.types import Message

MESSAGES = mixed(256)


@pytest.fixture(scope="module")
def alone() -> list[bytes]:
    pipeline = Pipeline.load()
    return [pipeline.classify(Message(**m)).model_dump_json().encode() for m in MESSAGES]


@pytest.fixture(scope="module", params=["1", "2"], ids="workers={}".format)
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    # All the time that a machine needs which does other things as well: it is no test of speed.
    patient = {"TRIAGE_QUEUE_SECONDS": "60", "TRIAGE_REQUEST_SECONDS": "120"}
    with serving(TRIAGE_WORKERS=request.param, **patient) as started:
        yield started


def test_in_another_order_and_again(alone: list[bytes]) -> None:
    pipeline = Pipeline.load()
    for number in reversed(range(256)):
        decision = pipeline.classify(Message(**MESSAGES[number]))
        assert decision.model_dump_json().encode() == alone[number]


def test_in_a_batch_of_256_mixed_lengths(server: Server, alone: list[bytes]) -> None:
    body = json.dumps({"messages": MESSAGES}, ensure_ascii=False).encode()
    headers = {"content-type": "application/json"}
    url = server.url + "/v1/classify/batch"
    answer = httpx2.post(url, content=body, headers=headers, timeout=120)
    assert answer.content == b'{"results":[' + b",".join(alone) + b"]}"


def test_one_by_one_through_http(server: Server, alone: list[bytes]) -> None:
    with httpx2.Client(base_url=server.url, timeout=60) as client:
        for message, expected in zip(MESSAGES, alone, strict=True):
            assert client.post("/v1/classify", json=message).content == expected


def test_many_at_once_through_http_beside_a_batch(server: Server, alone: list[bytes]) -> None:
    with httpx2.Client(base_url=server.url, timeout=120) as client, ThreadPoolExecutor(9) as many:
        batch = many.submit(client.post, "/v1/classify/batch", json={"messages": MESSAGES[:64]})
        singles = many.map(lambda m: client.post("/v1/classify", json=m).content, MESSAGES)
        assert list(singles) == alone
    assert batch.result().content == b'{"results":[' + b",".join(alone[:64]) + b"]}"


def test_through_the_command_line(tmp_path: Path, alone: list[bytes]) -> None:
    file = tmp_path / "in.jsonl"
    lines = [json.dumps(message, ensure_ascii=False) + "\n" for message in MESSAGES]
    file.write_text("".join(lines), encoding="utf-8")
    # Hash randomisation and another process must change nothing.
    ran = subprocess.run(
        [sys.executable, "-m", "triage.cli", "classify", str(file)],
        cwd=ROOT,
        env=os.environ | {"PYTHONHASHSEED": "7"},
        capture_output=True,
        check=True,
        timeout=300,
    )
    assert ran.stdout.splitlines() == alone


def test_a_text_as_an_argument(alone: list[bytes]) -> None:
    number = next(n for n, m in enumerate(MESSAGES) if "title" in m and 20 < len(m["text"]) < 200)
    message = MESSAGES[number]
    ran = subprocess.run(
        [
            sys.executable,
            "-m",
            "triage.cli",
            "classify",
            message["text"],
            "--title",
            message["title"],
        ],
        cwd=ROOT,
        capture_output=True,
        check=True,
        timeout=60,
    )
    expected = json.loads(alone[number]) | {"id": None}
    assert json.loads(ran.stdout) == expected
