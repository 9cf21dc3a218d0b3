"""Many messages at once: the console command on a file, and `pipeline(batch_size=32)`."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from itertools import cycle, islice
from pathlib import Path
from typing import Final

from eval.bench.contestants import Scene
from eval.bench.figures import BulkTurn
from eval.bench.surroundings import as_usual, load_average
from eval.bench.texts import write_lines

SERVICE_ROWS: Final = 1_500
PIPELINE_ROWS: Final = 256
TRIAGE, PIPELINE = "triage classify", "pipeline(batch_size=32)"
_FEW: Final = 8


class BulkFailedError(RuntimeError):
    """A command for many messages failed."""


def _command(arguments: Sequence[str], log: Path) -> float:
    """Seconds that a command of our own takes, from its start to its end."""
    began = time.perf_counter()
    with log.open("ab") as written:
        done = subprocess.run(  # noqa: S603 - our own interpreter, no shell
            [sys.executable, *arguments], stdout=written, stderr=written, env=as_usual(),
            check=False,
        )  # fmt: skip
    if done.returncode:
        raise BulkFailedError(f"{' '.join(arguments[:4])}… failed; see {log}")
    return time.perf_counter() - began


def triage(repeat: int, scene: Scene, texts: Sequence[str], folder: Path) -> BulkTurn:
    """`triage classify FILE`. Its start is what a file of a few rows takes.

    Raises:
        BulkFailedError: it failed.
    """
    load = load_average()
    took = []
    for count in (_FEW, SERVICE_ROWS + _FEW):
        source, out = folder / f"bulk-{count}.jsonl", folder / f"bulk-{count}-decided.jsonl"
        rows = enumerate(islice(cycle(texts), count))
        write_lines(source, ({"id": str(n), "text": text} for n, text in rows))
        # A result of an earlier run would be taken up and completed.
        out.unlink(missing_ok=True)
        arguments = ["-m", "triage.cli", "classify", str(source), "-o", str(out),
                     "--bundle", str(scene.bundle)]  # fmt: skip
        took.append(_command(arguments, folder / "bulk.log"))
    few, all_of_them = took
    return BulkTurn(
        contestant=TRIAGE, repeat=repeat, load=load, rows=SERVICE_ROWS,
        seconds=all_of_them - few, start_s=few,
    )  # fmt: skip


def pipeline(repeat: int, scene: Scene, texts: Sequence[str], folder: Path) -> BulkTurn:
    """`pipeline(batch_size=32)` over a list, timed inside its process after a first batch.

    Raises:
        BulkFailedError: it failed.
    """
    load = load_average()
    source, out = folder / "bulk-texts.json", folder / "bulk-pipeline.json"
    rows = list(islice(cycle(texts), PIPELINE_ROWS))
    source.write_text(json.dumps(rows, ensure_ascii=False), encoding="utf-8")
    script = str(Path(__file__).parent / "servers" / "pipeline_batches.py")
    whole = _command([script, str(scene.checkpoint), str(source), str(out)], folder / "bulk.log")
    seconds = float(json.loads(out.read_text(encoding="utf-8"))["seconds"])
    return BulkTurn(
        contestant=PIPELINE, repeat=repeat, load=load, rows=PIPELINE_ROWS,
        seconds=seconds, start_s=whole - seconds,
    )  # fmt: skip


def line(measured: BulkTurn) -> str:
    """A turn in a line, for the terminal."""
    told = f"{measured.rate:.1f} rows/s, start {measured.start_s:.1f} s"
    return f"{measured.repeat + 1}  bulk {measured.contestant}: {told}"
