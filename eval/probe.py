"""A fresh process that answers once, then more: run by `eval.runtime` as `python -m eval.probe`.

It imports the core and nothing heavier, so that its time and memory are what a worker of the
service needs. Messages come as JSON lines on standard input; only figures go out. Those after a
blank line are answered `ROUNDS` times, each time by the encoder alone as well.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from eval.memory import proportional, resident
from triage.bundle import load_bundle
from triage.models import Model
from triage.normalise import normalise
from triage.pipeline import Pipeline
from triage.rules import RuleEngine
from triage.types import Message

_FIRST: Final = Message(
    title="账户被冻结", text="公司账户被法院冻结，员工工资发不出来，请尽快处理。"
)
_SETTLED: Final = 200
"""Messages after which memory is read."""
ROUNDS: Final = 3


def _load(bundle: Path) -> tuple[Pipeline, Model]:
    """What `Pipeline.load` does, keeping hold of the encoder."""
    loaded = load_bundle(bundle, threads=1)
    return Pipeline(loaded, RuleEngine.default()), loaded.model


class _Clock:
    """Seconds by the clock and of CPU, of one call after the other."""

    def __init__(self) -> None:
        self.wall: list[float] = []
        self.cpu: list[float] = []

    def time(self, call: Callable[[], object]) -> None:
        start, busy = time.perf_counter(), time.process_time()
        call()
        self.wall.append(time.perf_counter() - start)
        self.cpu.append(time.process_time() - busy)

    def figures(self) -> dict[str, list[float]]:
        return {"wall": self.wall, "cpu": self.cpu}


def _time_encoder(clock: _Clock, model: Model, message: Message) -> None:
    title = normalise(message.title) if message.title else None
    body = normalise(message.text)
    clock.time(lambda: model.predict(title, body))


def main() -> None:
    """Answer one message and say what it took, then time every message of standard input."""
    pipeline, model = _load(Path(sys.argv[1]))
    pipeline.warm_up()
    pipeline.classify(_FIRST)
    sys.stdout.write(f"{time.process_time()}\n")
    sys.stdout.flush()
    every, message_clock, encoder_clock = _Clock(), _Clock(), _Clock()
    memory: dict[str, float | None] = {}
    lines = iter(sys.stdin)
    for line in lines:
        if not line.strip():
            break
        message = Message.model_validate_json(line)
        every.time(partial(pipeline.classify, message))
        if len(every.wall) == _SETTLED:
            memory = _memory()
    memory = memory or _memory()
    window = [Message.model_validate_json(line) for line in lines]
    for message in window * ROUNDS:
        message_clock.time(partial(pipeline.classify, message))
        _time_encoder(encoder_clock, model, message)
    json.dump(
        {
            "every": every.figures(),
            "window": message_clock.figures(),
            "encoder": encoder_clock.figures(),
            **memory,
        },
        sys.stdout,
    )


def _memory() -> dict[str, float | None]:
    return {"resident": resident(), "proportional": proportional()}


if __name__ == "__main__":
    main()
