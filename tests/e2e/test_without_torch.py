"""Classifying and serving never import torch or transformers, and are ready only with jieba."""

from __future__ import annotations

import os
import subprocess
import sys

import httpx2
import pytest

from tests.serving.process import ROOT, free_port, running
from triage.types import Decision

_SERVE = ROOT / ".venv-serve" / "bin"
_PRESENT = """
from importlib.util import find_spec
print([name for name in ("torch", "transformers", "datasets", "sklearn") if find_spec(name)])
"""

_PROGRAM = """
from tests.e2e.lacking import refuse

refuse()

import os
import time
from starlette.testclient import TestClient
from serving.app import create_app
from serving.settings import Settings
import serving.run

def stop(fault):
    print(fault.detail, flush=True)
    os._exit(1)

with TestClient(create_app(Settings(workers=1), "tests.e2e.lacking:load", stop)) as client:
    while client.get("/readyz").status_code != 200:
        time.sleep(0.01)
    assert client.post("/v1/classify", json={"text": "公司拖欠工资"}).status_code == 200
    explained = client.post("/v1/classify?explain=true", json={"text": "公司拖欠工资"})
    assert explained.status_code == 200
import triage.cli.main
"""


@pytest.mark.skipif(
    not _SERVE.exists() and "MAKELEVEL" not in os.environ,
    reason="there is no .venv-serve; make test builds it and never skips this",
)
def test_environment_of_make_serve() -> None:
    # Isolated: neither the working directory nor PYTHONPATH may add to the environment.
    python = [_SERVE / "python", "-I", "-c", _PRESENT]
    assert subprocess.check_output(python, text=True, timeout=60).strip() == "[]"
    port = free_port()
    with running(str(_SERVE / "triage"), "serve", "--port", str(port), port=port) as server:
        server.wait("/readyz")
        url = server.url + "/v1/classify"
        answer = httpx2.post(url, json={"text": "公司拖欠工资"}, timeout=60)
    assert answer.status_code == 200
    Decision.model_validate_json(answer.content)


def test_environment_that_lacks_them() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", _PROGRAM], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
