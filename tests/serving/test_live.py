"""What decides changes while the service runs: real processes, the real model, requests all along."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.bundles import copied, rewrite
from tests.serving.load import Load
from tests.serving.process import Server, serving, until
from triage.bundle import default_path
from triage.pipeline import Pipeline
from triage.registry import Registry
from triage.types import Message

TEXT = "工地拖欠我们十几个人的工资，老板的真名也不知道"
# The issue allows five seconds; this machine does other things as well.
TAKEN_UP = 20.0


def variant(folder: Path, bias: float) -> Path:
    """A bundle that gives other probabilities than the embedded one."""

    def change(manifest: dict[str, Any]) -> None:
        manifest["fusion"]["bias"][0] += bias

    bundle = copied(folder / f"at-{bias}")
    rewrite(bundle, change)
    return bundle


@pytest.fixture
def models(tmp_path: Path) -> Path:
    return tmp_path / "models"


@pytest.fixture
def server(models: Path) -> Iterator[Server]:
    with serving(TRIAGE_MODELS=str(models), TRIAGE_WORKERS="2") as started:
        yield started


def ask(server: Server) -> httpx2.Response:
    return server.client.post("/v1/classify", json={"text": TEXT})


def version(server: Server) -> str:
    found: str = ask(server).json()["versions"]["model"]
    return found


def test_fifty_changes_under_load_lose_nothing_and_mix_nothing(
    server: Server, models: Path, tmp_path: Path
) -> None:
    registry = Registry(models)
    bundles = [default_path(), variant(tmp_path, 0.1), variant(tmp_path, -0.1)]
    names = [registry.add("bundle", bundle) for bundle in bundles]
    wanted = {
        Pipeline.load(bundle).classify(Message(text=TEXT)).model_dump_json().encode()
        for bundle in bundles
    }
    assert len(wanted) == len(bundles)
    with Load(server.url, [{"text": TEXT}], clients=4) as load:
        for change in range(1, 51):
            registry.promote("bundle", names[change % 3])
            if change % 10 == 0:
                # Most changes are overtaken while they load; these are waited for.
                until(lambda name=names[change % 3]: version(server) == name)
    assert {sent.status for sent in load.sent} == {200}
    # Each answer is, to the byte, that of the bundle that it names.
    assert {sent.body for sent in load.sent} <= wanted
    assert len(load.sent) > 50
    assert server.metric("triage_change_refused") == 0.0


def test_a_promotion_and_a_rollback_are_taken_up(
    server: Server, models: Path, tmp_path: Path
) -> None:
    registry, embedded = Registry(models), version(server)
    name = registry.add("bundle", variant(tmp_path, 0.1))
    registry.promote("bundle", name)
    until(lambda: version(server) == name, TAKEN_UP)
    registry.rollback("bundle")
    until(lambda: version(server) == embedded, TAKEN_UP)


def test_a_rulebook_is_taken_up(server: Server, models: Path, tmp_path: Path) -> None:
    file = tmp_path / "own.yaml"
    file.write_text(
        'rulebook: {name: own, version: "1"}\n'
        "rules:\n"
        "  - {id: wages, label: civil, any: [拖欠], weight: 1.0, note: 试验, author: 试验,\n"
        "     examples: {hit: [拖欠工资]}}\n",
        encoding="utf-8",
    )
    registry = Registry(models)
    name = registry.add("rulebook", file)
    registry.promote("rulebook", name)
    until(lambda: ask(server).json()["versions"]["rulebook"] == name, TAKEN_UP)


def test_a_bundle_that_breaks_after_it_was_promoted_is_refused_and_the_old_one_stays(
    server: Server, models: Path, tmp_path: Path
) -> None:
    registry, embedded = Registry(models), version(server)
    name = registry.add("bundle", variant(tmp_path, 0.1))
    file = models / "bundles" / name / "model.onnx"
    whole = file.read_bytes()
    with Load(server.url, [{"text": TEXT}], clients=2) as load:
        # Between the promotion's own test and the service: as a bad disk would.
        registry.promote("bundle", name)
        file.write_bytes(whole[: len(whole) // 2])
        until(lambda: server.metric("triage_change_refused") == 1.0 or version(server) == name)
        if server.metric("triage_change_refused") == 0.0:
            pytest.skip("the service was faster than the damage")
        ready = server.client.get("/readyz")
        assert ready.status_code == 200
        assert "altered" in ready.json()["change_refused"]
        assert version(server) == embedded
        file.write_bytes(whole)
        registry.rollback("bundle")
        until(lambda: server.metric("triage_change_refused") == 0.0)
    assert {sent.status for sent in load.sent} == {200}


def test_a_shadow_is_compared_and_never_answers(
    server: Server, models: Path, tmp_path: Path
) -> None:
    registry, embedded = Registry(models), version(server)
    same = registry.add("bundle", variant(tmp_path, 0.001))
    registry.shadow(same)
    until(lambda: f'model="{same}"' in server.client.get("/metrics").text)
    with ThreadPoolExecutor(2) as threads:
        answers = list(threads.map(lambda _: version(server), range(20)))
    assert set(answers) == {embedded}
    until(lambda: server.metric('triage_shadow_total{result="same"}') >= 20)
    registry.shadow(registry.add("bundle", variant(tmp_path, -9.0)))
    until(lambda: ask(server).is_success and server.metric('triage_shadow_total{result="department"}') > 0)  # fmt: skip
    registry.shadow(None)
    until(lambda: "triage_shadow_versions{" not in server.client.get("/metrics").text)
