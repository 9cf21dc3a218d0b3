"""The same text gives the same bytes alone, in a batch of mixed lengths, by CLI and by HTTP."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.serving.process import ROOT, Server, free_port, running
from triage.pipeline import Pipeline
from triage.types import Message

_CLAUSES = (
    "我是村里的一名普通村民", "公司拖欠我们三个月工资", "工地夜里施工噪声很大", "請檢察官幫幫我們",
    "开发商一直不办房产证", "警察不给立案", "河水被化工厂染成黑色", "明天就要强制拆除",
    "孩子在学校门口买到电子烟", "法院把账户全部冻结", "社保断缴了两年没人管", "邻居装修漏水",
    "电话13800000000", "ＡＢＣ公司", "拆.迁.补.偿", "谢谢！！！！", "😀", "请问怎么办理？",
)  # fmt: skip
_LENGTHS = (1, 2, 5, 9, 30, 110, 111, 400, 1_000, 5_000, 19_990)
# Most messages are short: 256 of them fit into one body of 2 MiB.
_WEIGHTS = (4, 4, 8, 16, 64, 64, 32, 48, 12, 3, 1)


def _messages() -> list[dict[str, str]]:
    draw = random.Random(20)
    messages = []
    for number, length in enumerate(draw.choices(_LENGTHS, _WEIGHTS, k=256)):
        text = ""
        while len(text) < length:
            text += draw.choice(_CLAUSES) + draw.choice("，。；\n")
        message = {"id": str(number), "text": text[:length].strip() or "好"}
        if number % 3 == 0:
            message["title"] = draw.choice(_CLAUSES)
        messages.append(message)
    return messages


MESSAGES = _messages()


@pytest.fixture(scope="module")
def alone() -> list[bytes]:
    pipeline = Pipeline.load()
    return [pipeline.classify(Message(**m)).model_dump_json().encode() for m in MESSAGES]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    port = free_port()
    options = ("--port", str(port), "--threads", "2")
    command = (sys.executable, "-m", "tests.serving.serve_command", *options)
    with running(*command, port=port) as started:
        started.wait("/readyz")
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
