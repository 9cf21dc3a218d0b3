"""Classify a folder on a Ray cluster, with Ray Data: a part of output for each block of input.

Ray Data spreads the blocks over actors, one a core, and does a block again whose actor has ended.
An actor reads its block, decides its rows as every other run does, and gives the part its name
when it is whole: so a block that is done twice leaves one part.
"""

from __future__ import annotations

import contextlib
import logging
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import typer

from triage.cli.bulk import INTERRUPTED, summary
from triage.cli.destination import Destination, say
from triage.cli.loading import Task
from triage.cli.progress import progress
from triage.errors import InputFileError, TriageError
from triage.io import Options, RowError, classify_rows, format_of, write_output
from triage.io.blocks import Block, blocks_of, files_of, open_block
from triage.io.parts import Belonging, PartDone, Parts, tries_of
from triage.types import Versions

# Ray starts an actor anew without end, also one that its block ends.
_TRIES: Final = 3
_GO_ON: Final = "parts that are done are kept, and the same command goes on with the others"
_OBJECT_STORE_BYTES: Final = 128 * 1024 * 1024


class RayError(TriageError):
    """Ray is not installed, or what ran on it failed."""

    code = "ray_failed"


class _Actor:
    """Reads, decides and writes blocks, in a process that Ray started."""

    def __init__(self, task: Task, versions: Versions, *, with_text: bool) -> None:
        self._loaded = task.loaded()
        self._versions, self._with_text = versions, with_text

    def __call__(self, item: dict[str, Any]) -> dict[str, Any]:
        """What was done of a block, or in `fault` why it cannot be."""
        if self._loaded.versions != self._versions:
            return _result(fault="a machine of the cluster has another bundle or rulebook")
        path = Path(item["path"])
        tries = tries_of(path)
        with tries.open("ab") as counted:
            counted.write(b".")
        if tries.stat().st_size > _TRIES:
            return _result(fault=f"{_TRIES} actors ended at {path.name}, one after the other")
        try:
            with open_block(Block(**item["block"])) as reader:
                outcomes = list(classify_rows(reader, self._loaded.classify))
        except InputFileError as error:
            return _result(fault=str(error), code=error.code)
        write_output(path, outcomes, self._versions, with_text=self._with_text)
        tries.unlink(missing_ok=True)
        failed = sum(isinstance(outcome.result, RowError) for outcome in outcomes)
        return _result(part=item["part"], rows=len(outcomes), failed=failed)


def _result(
    part: int = 0, rows: int = 0, failed: int = 0, fault: str = "", code: str = ""
) -> dict[str, Any]:
    return {"part": part, "rows": rows, "failed": failed, "fault": fault, "code": code}


class _Rows:
    """How many rows of all are done, as `progress` asks."""

    def __init__(self, total: int, done: int) -> None:
        self.total: int | None = total
        self.done = done


def classify_folder(source: Path, task: Task, to: Destination, workers: int | None) -> int:
    """Write parts for all rows of a JSONL or Parquet file or folder into the folder of `to`.

    Returns how many rows have an error.

    Raises:
        InputFileError: there are no such files, or one of them is damaged.
        UnfinishedOutputError: the output folder holds something else.
        BundleError, RulebookError: one of them cannot be used.
        RayError: Ray is not installed, or actors end again and again.
        typer.Exit: it was interrupted.
    """
    assert to.path
    began = time.monotonic()
    files = files_of(source)
    planned = [(file, *blocks_of(file)) for file in files]
    blocks = [block for _, _, its in planned for block in its]
    kind = format_of(to.path) or format_of(files[0])
    assert kind
    belonging = Belonging(
        extension=kind.value,
        sources={file.name: content for file, content, _ in planned},
        options=Options(explain=task.explain, with_text=to.with_text),
        versions=task.loaded().versions,
    )
    parts = Parts(to.path.resolve(), belonging, restart=to.restart)
    parts.tidy()
    missing = parts.missing(blocks)
    before = sum(done.rows for part, done in parts.done.items() if part not in missing)
    if len(missing) < len(blocks):
        say(f"going on after {before:,} rows of the unfinished {to.path.name}")
    rows = _Rows(sum(block.rows for block in blocks), before)
    processes = 0
    if missing:
        with _cluster(workers) as cores, progress(rows, bar=to.bar) as advance:
            processes = min(cores, len(missing))
            for done in _run(blocks, missing, parts, task, belonging, processes):
                parts.add(done)
                rows.done += done.rows
                advance(rows.done - before)
    parts.tidy()
    failed = sum(done.failed for done in parts.done.values())
    total = sum(done.rows for done in parts.done.values())
    say(summary(total, failed, before, time.monotonic() - began, f"{processes} Ray actors"))
    return failed


def _run(
    blocks: Sequence[Block],
    missing: Sequence[int],
    parts: Parts,
    task: Task,
    belonging: Belonging,
    actors: int,
) -> Iterator[PartDone]:
    import ray

    items = [
        {
            "part": number,
            "path": str(parts.path(number, blocks[number])),
            "block": asdict(blocks[number]) | {"file": str(Path(blocks[number].file).resolve())},
        }
        for number in missing
    ]
    results = ray.data.from_items(items, override_num_blocks=len(items)).map(
        _Actor,
        fn_constructor_args=(task, belonging.versions),
        fn_constructor_kwargs={"with_text": belonging.options.with_text},
        concurrency=actors,
        num_cpus=1,
    )
    try:
        for result in results.iter_rows():
            if result["code"] == InputFileError.code:
                raise InputFileError(result["fault"])
            if result["fault"]:
                raise RayError(f"{result['fault']}; {_GO_ON}")
            yield PartDone(part=result["part"], rows=result["rows"], failed=result["failed"])
    except ray.exceptions.RayError as error:
        # Its text may hold anything that an actor met; Ray's logs have it.
        name = type(error).__name__
        raise RayError(
            f"the run on Ray failed ({name}), of which its logs say more; {_GO_ON}"
        ) from None


@contextlib.contextmanager
def _cluster(workers: int | None) -> Iterator[int]:
    """The cluster that `RAY_ADDRESS` names, or one in this machine; gives the cores to use."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
        import ray.data
    except ModuleNotFoundError:
        raise RayError(
            "--engine ray needs Ray, which is not installed: pip install 'estation-triage[ray]'"
        ) from None
    _connect(os.environ.get("RAY_ADDRESS"), workers)
    try:
        context = ray.data.DataContext.get_current()
        context.enable_progress_bars = context.print_on_execution_start = False
        logging.getLogger("ray.data").setLevel(logging.ERROR)
        cores = max(1, int(ray.cluster_resources().get("CPU", 1)))
        yield min(workers or cores, cores)
    except KeyboardInterrupt:
        say(f"interrupted; {_GO_ON}")
        raise typer.Exit(INTERRUPTED) from None
    finally:
        ray.shutdown()


def _connect(address: str | None, workers: int | None) -> None:
    import ray

    local: dict[str, object] = {
        "num_cpus": workers,
        "include_dashboard": False,
        "object_store_memory": _OBJECT_STORE_BYTES,
    }
    for is_last in (False, True):
        try:
            ray.init(
                address=address or "local",
                log_to_driver=False,
                logging_level=logging.ERROR,
                **({} if address else local),
            )
            return
        except Exception as error:  # what it raises has many types, Exception itself among them
            ray.shutdown()
            # On a busy machine a local one may not be up within Ray's half minute.
            if address or is_last:
                where = f"at {address} (RAY_ADDRESS)" if address else "in this machine"
                raise RayError(f"the Ray cluster {where} cannot be used: {error}") from None
