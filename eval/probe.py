"""A fresh process that answers once, then more: run by `eval.runtime` as `python -m eval.probe`.

It imports the core alone, so that its time and memory are what a worker of the service needs.
Messages come as JSON lines on standard input; only figures go out.
"""

from __future__ import annotations

import json
import re
import sys
import time
from pathlib import Path
from typing import Final

from triage.pipeline import Pipeline
from triage.types import Message

_FIRST: Final = Message(
    title="账户被冻结", text="公司账户被法院冻结，员工工资发不出来，请尽快处理。"
)
_SETTLED: Final = 200
"""Messages after which memory is read."""


def _mib(file: str, field: str) -> float | None:
    """A field of a `/proc` file in MiB; None on systems without it."""
    try:
        found = re.search(rf"^{field}:\s+(\d+) kB", Path(file).read_text(), re.MULTILINE)
    except OSError:
        return None
    return int(found[1]) / 1024 if found else None


def main() -> None:
    """Answer one message and say what it took, then time every message of standard input."""
    bundle = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    pipeline = Pipeline.load(bundle, threads=1)
    pipeline.warm_up()
    pipeline.classify(_FIRST)
    sys.stdout.write(f"{time.process_time()}\n")
    sys.stdout.flush()
    times: list[float] = []
    cpu: list[float] = []
    memory: dict[str, float | None] = {}
    for line in sys.stdin:
        message = Message.model_validate_json(line)
        start, busy = time.perf_counter(), time.process_time()
        pipeline.classify(message)
        times.append(time.perf_counter() - start)
        cpu.append(time.process_time() - busy)
        if len(times) == _SETTLED:
            memory = _memory()
    json.dump({"times": times, "cpu": cpu, **(memory or _memory())}, sys.stdout)


def _memory() -> dict[str, float | None]:
    return {
        "resident": _mib("/proc/self/status", "VmRSS"),
        "proportional": _mib("/proc/self/smaps_rollup", "Pss"),
    }


if __name__ == "__main__":
    main()
