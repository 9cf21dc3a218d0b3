"""Who is measured: how each is started, where and in what form it takes a message."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from eval.bench.environments import interpreter
from eval.bench.surroundings import as_usual, elsewhere

ENGINE: Final = "e"
SERVICE: Final = "f"
STORING: Final = "fs"
BULK: Final = "bulk"
PEAK: Final = "peak"
_SERVERS: Final = Path(__file__).parent / "servers"
_MODEL: Final = "bench"

LABELS: Final = {
    "a": "FastAPI + transformers.pipeline",
    "a2": "the same, a process for each core",
    "b": "FastAPI + ONNX Runtime fp32",
    "c": "LitServe at batch 1",
    "d": "infinity-emb /classify",
    ENGINE: "the bare engine in a loop, no HTTP",
    SERVICE: "this service",
    STORING: "this service, storing in SQLite",
}
"""Every contestant's key and name, in the order of the tables."""
KEYS: Final = (*LABELS, BULK, PEAK)
"""All that can be measured alone."""


@dataclass(frozen=True, slots=True)
class Scene:
    """What contestants are given: files and how many worker processes."""

    checkpoint: Path
    bundle: Path
    venvs: Path
    workers: int


@dataclass(frozen=True, slots=True)
class Contestant:
    """A server: `command` of a port, `path` and the JSON `body` of a message.

    `missing` says how to install what it needs where that is not there.
    """

    key: str
    path: str
    command: Callable[[int], list[str]]
    body: Callable[[str], object]
    environment: dict[str, str]
    missing: str | None = None


def _text(text: str) -> object:
    return {"text": text}


def _infinity_body(text: str) -> object:
    return {"model": _MODEL, "input": [text]}


def _script(
    scene: Scene, name: str, *more: str, python: str = sys.executable
) -> Callable[[int], list[str]]:
    def command(port: int) -> list[str]:
        return [python, str(_SERVERS / name), str(scene.checkpoint), str(port), *more]

    return command


def _here(key: str, needs: str, command: Callable[[int], list[str]]) -> Contestant:
    """A baseline that runs in the environment of this process."""
    lacking = [name for name in (needs, "fastapi", "uvicorn") if find_spec(name) is None]
    missing = f"{', '.join(lacking)} missing: pip install '.[serve,train]'" if lacking else None
    return Contestant(key, "/classify", command, _text, as_usual(), missing)


def _litserve(scene: Scene) -> Contestant:
    python, missing = interpreter(scene.venvs, "litserve")
    command = _script(scene, "litserve_plain.py", python=str(python))
    return Contestant("c", "/classify", command, _text, elsewhere(as_usual()), missing)


def _infinity(scene: Scene) -> Contestant:
    python, missing = interpreter(scene.venvs, "infinity")

    def command(port: int) -> list[str]:
        return [
            str(python.with_name("infinity_emb")), "v2", "--model-id", str(scene.checkpoint),
            "--served-model-name", _MODEL, "--engine", "torch", "--device", "cpu",
            "--dtype", "float32", "--no-bettertransformer", "--host", "127.0.0.1",
            "--port", str(port),
        ]  # fmt: skip

    # It tells its makers of every start unless told not to.
    quiet = {"DO_NOT_TRACK": "1", "INFINITY_ANONYMOUS_USAGE_STATS": "0", "HF_HUB_OFFLINE": "1"}
    environment = elsewhere(as_usual()) | quiet
    return Contestant("d", "/classify", command, _infinity_body, environment, missing)


def _serve() -> list[str]:
    """The console command, or its function where the project is run without being installed."""
    if any(point.name == "serve" for point in entry_points(group="triage.commands")):
        return [sys.executable, "-m", "triage.cli", "serve"]
    return [sys.executable, "-c", "import typer, serving.cli; typer.run(serving.cli.serve)"]


def service(scene: Scene, key: str = SERVICE) -> Contestant:
    """This project's own service, as its console command starts it; it stores nothing, or all."""
    state = scene.checkpoint.with_name("state")

    def command(port: int) -> list[str]:
        shutil.rmtree(state, ignore_errors=True)
        return [
            *_serve(), "--host", "127.0.0.1",
            "--port", str(port), "--workers", str(scene.workers), "--bundle", str(scene.bundle),
        ]  # fmt: skip

    missing = None
    if find_spec("uvicorn") is None:
        missing = "uvicorn missing: pip install '.[serve]'"
    database = "" if key == STORING else "off"
    kept = {"TRIAGE_DATABASE": database, "TRIAGE_STATE": str(state)}
    return Contestant(key, "/v1/classify", command, _text, as_usual() | kept, missing)


def servers(scene: Scene) -> dict[str, Contestant]:
    """All contestants that speak HTTP, by key."""
    every = (
        _here("a", "transformers", _script(scene, "pipeline_plain.py")),
        _here("a2", "transformers", _script(scene, "pipeline_tuned.py", str(scene.workers))),
        _here("b", "onnxruntime", _script(scene, "onnx_plain.py")),
        _litserve(scene),
        _infinity(scene),
        service(scene),
        service(scene, STORING),
    )
    return {contestant.key: contestant for contestant in every}
