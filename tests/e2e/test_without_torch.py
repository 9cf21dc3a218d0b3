"""Classifying and serving never import torch or transformers, and are ready only with jieba."""

from __future__ import annotations

import subprocess
import sys

from tests.serving.process import ROOT

_PROGRAM = """
import sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "transformers", "datasets", "sklearn", "scipy"):
            raise ImportError(f"{name} is not there")

sys.meta_path.insert(0, Refuse())

import time
from starlette.testclient import TestClient
from serving.app import create_app
from serving.settings import Settings
import serving.run

with TestClient(create_app(Settings())) as client:
    while client.get("/readyz").status_code != 200:
        time.sleep(0.01)
    assert "jieba" in sys.modules, "loaded before the service is ready"
    assert client.post("/v1/classify", json={"text": "公司拖欠工资"}).status_code == 200
import triage.cli.main
assert not {"torch", "transformers"} & set(sys.modules)
"""


def test_environment_that_lacks_them() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", _PROGRAM], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert ran.returncode == 0, ran.stderr
