"""`python -m eval.store`: fill a store with very many messages and measure it, on two databases."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final

import typer
from pydantic import BaseModel, ConfigDict
from rich.console import Console

from eval.bench.processes import end_by_signal
from eval.bench.surroundings import machine
from eval.store import measure
from eval.store.measure import Exported, Times
from eval.store.service import Service, StoreBenchError, postgres, running, triage
from triage.host import replace_text

_KINDS: Final = ("sqlite", "postgresql")
_FILLED: Final = "filled.json"
_console = Console(stderr=True, soft_wrap=True, markup=False, highlight=False)


class Measured(BaseModel):
    """Everything about one database."""

    model_config = ConfigDict(frozen=True)

    kind: str
    messages: int
    fill_seconds: float
    times: tuple[Times, ...]
    exports: tuple[Exported, ...]


@contextmanager
def _environment(kind: str, folder: Path) -> Iterator[dict[str, str]]:
    state = {"TRIAGE_STATE": str((folder / "state").absolute())}
    if kind == "sqlite":
        yield state | {"TRIAGE_DATABASE": ""}
    else:
        with postgres(folder) as url:
            yield state | {"TRIAGE_DATABASE": url}


def _fill(environment: dict[str, str], folder: Path, messages: int) -> float:
    """Seconds that filling took; a folder that was filled before stays as it is."""
    note = folder / _FILLED
    if note.exists():
        told = json.loads(note.read_text(encoding="utf-8"))
        if told["messages"] != messages:
            raise StoreBenchError(f"{folder} holds {told['messages']:,} messages; remove it first")
        return float(told["seconds"])
    began = time.perf_counter()
    triage(environment, "demo", "--messages", str(messages), quiet=False)
    seconds = time.perf_counter() - began
    replace_text(note, json.dumps({"messages": messages, "seconds": seconds}) + "\n")
    return seconds


def _measure(service: Service, count: int) -> tuple[list[Times], list[Exported]]:
    times = [measure.next_items(service, count)]
    times += measure.list_pages(service, count)
    times += [measure.searches(service, count), measure.hot_issues(service, max(3, count // 20))]
    return times, [measure.export(service, form) for form in ("jsonl", "parquet")]


def _one(kind: str, folder: Path, messages: int, count: int) -> Measured:
    folder.mkdir(parents=True, exist_ok=True)
    with _environment(kind, folder) as environment:
        filled = _fill(environment, folder, messages)
        name = f"bench-{secrets.token_hex(4)}"
        key = triage(environment, "keys", "add", name, "--scope", "review", "--scope", "export")
        with running(environment, key.strip(), folder / "serve.log") as service:
            times, exports = _measure(service, count)
        triage(environment, "keys", "revoke", name)
    return Measured(kind=kind, messages=messages, fill_seconds=filled, times=tuple(times),
                    exports=tuple(exports))  # fmt: skip


def _table(found: Measured) -> Iterator[str]:
    yield f"### {found.kind}, {found.messages:,} messages (filled in {found.fill_seconds:.0f} s)\n"
    yield "| request | n | median ms | p99 ms | most ms | limit |\n" + "| --- " * 6 + "|"
    for one in found.times:
        limit = f"{one.limit_ms:.0f}" if one.limit_ms else "–"
        yield (
            f"| {one.name} | {one.count} | {one.median_ms:.1f} | {one.p99_ms:.1f} "
            f"| {one.max_ms:.1f} | {limit} |"
        )
    yield (
        "\n| export | rows | MiB | seconds | seconds per 100,000 | memory |\n" + "| --- " * 6 + "|"
    )
    for each in found.exports:
        rows = each.rows or found.exports[0].rows
        yield (
            f"| {each.form} | {rows:,} | {each.mib:.0f} | {each.seconds:.1f} "
            f"| {each.seconds / max(1, rows) * 100_000:.1f} | +{each.grown_mib:.0f} MiB |"
        )
    yield ""


def main(
    messages: Annotated[int, typer.Option(min=100, help="How many messages.")] = 500_000,
    only: Annotated[str, typer.Option(help="sqlite, postgresql or both.")] = "both",
    count: Annotated[int, typer.Option(min=5, help="How many requests of each kind.")] = 300,
    out: Annotated[Path, typer.Option(help="Where the databases and figures go.")] = Path(
        "build/store"
    ),
) -> None:
    """Measure the store: next item, lists, search and exports, with very many messages."""
    end_by_signal()
    if only not in (*_KINDS, "both"):
        raise typer.BadParameter("--only is sqlite, postgresql or both")
    kinds = [kind for kind in _KINDS if only in (kind, "both")]
    try:
        found = [_one(kind, out / kind, messages, count) for kind in kinds]
    except (StoreBenchError, OSError) as error:
        _console.print(f"error: {error}", style="red")
        raise typer.Exit(2) from None
    for each in found:
        replace_text(out / f"{each.kind}.json", each.model_dump_json(indent=1) + "\n")
    here = machine("one connection")
    lines = [line for each in found for line in _table(each)]
    report = "\n".join([*lines, f"{here.processor}, {here.cores} cores", ""])
    replace_text(out / "store.md", report)
    print(report)


if __name__ == "__main__":
    typer.run(main)
