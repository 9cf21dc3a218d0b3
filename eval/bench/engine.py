"""`python -m eval.bench.engine`: the bare engine in a loop, as one process of several.

Says when it is ready, begins at a line on standard input, and writes how long each message took.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

from eval.bench.figures import LOOP, Level, ProcessMemory, percentile
from eval.bench.processes import memory
from eval.bench.surroundings import one_thread
from triage.pipeline import Pipeline
from triage.types import Message

_WARM: Final = 30


class EngineFailedError(RuntimeError):
    """A process of the loop ended early."""


def main() -> None:
    """Arguments: bundle, file of texts, place of the first message, seconds."""
    texts = json.loads(Path(sys.argv[2]).read_text(encoding="utf-8"))
    first, seconds = int(sys.argv[3]), float(sys.argv[4])
    pipeline = Pipeline.load(Path(sys.argv[1]))
    pipeline.warm_up()
    messages = [Message(text=text) for text in texts[first:] + texts[:first]]
    for message in messages[:_WARM]:
        pipeline.classify(message)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    took: list[float] = []
    busy = time.process_time()
    began = last = time.perf_counter()
    while last - began < seconds:
        pipeline.classify(messages[len(took) % len(messages)])
        now = time.perf_counter()
        took.append(now - last)
        last = now
    busy = time.process_time() - busy
    sys.stdout.write(json.dumps({"seconds": last - began, "took": took, "cpu": busy}) + "\n")
    sys.stdout.flush()
    # It stays until its memory has been read.
    sys.stdin.readline()


def _start(bundle: Path, texts: Path, first: int, seconds: float) -> subprocess.Popen[str]:
    return subprocess.Popen(  # noqa: S603 - our own interpreter, no shell
        [sys.executable, "-m", "eval.bench.engine", str(bundle), str(texts), str(first),
         str(seconds)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=one_thread(),
    )  # fmt: skip


def _tell(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def _line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise EngineFailedError("a process of the engine ended early; see its error above")
    return line


def loop(
    bundle: Path, texts: Path, count: int, processes: int, seconds: float
) -> tuple[float, list[ProcessMemory], Level]:
    """Seconds to readiness, memory, and what so many processes do side by side without HTTP.

    `count` texts; each process begins at another one.

    Raises:
        EngineFailedError: one ended early.
    """
    began = time.perf_counter()
    started = [
        _start(bundle, texts, number * count // processes, seconds) for number in range(processes)
    ]
    try:
        for process in started:
            _line(process)
        ready = time.perf_counter() - began
        for process in started:
            _tell(process)
        measured = [json.loads(_line(process)) for process in started]
        used = [memory(process.pid)[0] for process in started]
    finally:
        for process in started:
            process.kill()
            process.communicate()
    took = [1_000 * each for one in measured for each in one["took"]]
    rate = sum(len(one["took"]) / one["seconds"] for one in measured)
    longest = max(one["seconds"] for one in measured)
    level = Level(
        connections=LOOP,
        seconds=longest,
        answered=round(rate * longest),
        refused=0,
        failed=0,
        p50_ms=percentile(took, 0.5),
        p99_ms=percentile(took, 0.99),
        load_cpu_s=0.0,
        server_cpu_s=sum(one["cpu"] for one in measured),
    )
    return ready, used, level


if __name__ == "__main__":
    main()
