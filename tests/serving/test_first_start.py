"""The first start: who may ask, and who may log in, before anybody has set anything up."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from serving.store.users import FIRST_FILE
from tests.serving.process import PATIENCE, ROOT, free_port, serving_fakes, until

MESSAGE = {"text": "门口的路灯坏了"}


def ran(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *command], cwd=ROOT, env=os.environ | environment, timeout=PATIENCE,
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_it_listens_to_others_only_with_a_key(tmp_path: Path) -> None:
    for database in ("", "off"):
        stopped = ran(
            "-m", "tests.serving.fake_server", str(free_port()), "plain", TRIAGE_HOST="0.0.0.0",
            TRIAGE_STATE=str(tmp_path), TRIAGE_DATABASE=database,
        )  # fmt: skip
        assert (stopped.returncode, stopped.stdout) == (2, "")
        assert "may not listen on 0.0.0.0" in stopped.stderr
        assert "Traceback" not in stopped.stderr


def test_a_fresh_service(tmp_path: Path) -> None:
    state = {"TRIAGE_STATE": str(tmp_path / "state"), "TRIAGE_DATABASE": ""}
    with serving_fakes("plain", **state) as server:
        password = (tmp_path / "state" / FIRST_FILE).read_text(encoding="ascii").strip()
        told = server.err.read_text(encoding="utf-8") + server.out.read_text(encoding="utf-8")
        assert FIRST_FILE in told
        assert password not in told

        def classify(**headers: str) -> int:
            answer = server.client.post("/v1/classify", json=MESSAGE, headers=headers)
            return answer.status_code

        assert classify() == 200
        added = ran("-m", "triage.cli", "keys", "add", "intake", "--scope", "classify", **state)
        key = added.stdout.strip()
        assert classify(Authorization=f"Bearer {key}") == 200
        until(lambda: classify() == 401)
        assert classify(Authorization=f"Bearer {key}") == 200
        assert classify(Authorization=f"Bearer {key}x") == 401
        ran("-m", "triage.cli", "keys", "revoke", "intake", **state)
        until(lambda: classify(Authorization=f"Bearer {key}") == 401)
        assert classify() == 401, "the door stays shut"
        told = server.err.read_text(encoding="utf-8")
        assert key not in told
        page = server.client.get("/", follow_redirects=True)
        assert (page.status_code, page.url.path) == (200, "/login")
        form = {"name": "admin", "password": password}
        headers = {"Origin": server.url}
        entered = server.client.post("/login", data=form, headers=headers)
        assert (entered.status_code, entered.headers["location"]) == (303, "/password")
    verified = ran("-m", "triage.cli", "audit", "verify", **state)
    assert verified.returncode == 0, verified.stderr
