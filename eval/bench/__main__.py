"""`python -m eval.bench`: measure everybody in turn, write JSON, a table and charts."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from eval.bench import bulk, wrk
from eval.bench.contestants import BULK, ENGINE, KEYS, PEAK, Contestant, Scene, servers
from eval.bench.engine import EngineFailedError
from eval.bench.environments import PACKAGES, InstallFailedError, install
from eval.bench.figures import PeakFigures
from eval.bench.load import LoadFailedError
from eval.bench.plan import Step, chosen, interleaved
from eval.bench.processes import ServerFailedError, end_by_signal
from eval.bench.run import Wanted, engine_turn, line, turn
from eval.bench.store import Store, opened
from eval.bench.texts import composed, read_texts
from triage.bundle import default_path
from triage.errors import TriageError
from triage.host import cores

_console = Console(stderr=True, soft_wrap=True, markup=False, highlight=False)


def _checkpoint(folder: Path) -> None:
    """Make the baselines' checkpoint where it is not there yet."""
    if not (folder / "model.onnx").exists():
        _console.print("making the baselines' checkpoint (once)")
        subprocess.run(  # noqa: S603 - our own interpreter, no shell
            [sys.executable, "-m", "eval.bench.checkpoint", str(folder)], check=True,
            capture_output=True,
        )  # fmt: skip


def _peak(bundle: Path) -> PeakFigures:
    done = subprocess.run(  # noqa: S603 - our own interpreter, no shell
        [sys.executable, "-m", "eval.bench.peak", str(bundle)], check=True, stdout=subprocess.PIPE
    )
    return PeakFigures.model_validate_json(done.stdout)


def _step(
    step: Step, known: dict[str, Contestant], scene: Scene, wanted: Wanted, store: Store
) -> None:
    if step.contestant == BULK:
        for measure in (bulk.pipeline, bulk.triage):
            many = measure(step.repeat, scene, wanted.texts, wanted.folder)
            store.add_bulk(many)
            _console.print(bulk.line(many))
        return
    if step.contestant == ENGINE:
        measured = engine_turn(step.repeat, scene, wanted)
    else:
        measured = turn(known[step.contestant], step.repeat, wanted)
    store.add(measured)
    _console.print(line(measured))


def _measure(
    keys: list[str], repeats: int, scene: Scene, wanted: Wanted, store: Store
) -> list[str]:
    """Measure in turn; returns what was left out and why."""
    known = servers(scene)
    skipped = {key: why for key in keys if key in known and (why := known[key].missing)}
    left_out = [f"({key}) skipped: {why}" for key, why in skipped.items()]
    for step in interleaved([k for k in keys if k != PEAK and k not in skipped], repeats):
        try:
            _step(step, known, scene, wanted, store)
        except (
            ServerFailedError,
            EngineFailedError,
            LoadFailedError,
            bulk.BulkFailedError,
        ) as error:
            left_out.append(f"({step.contestant}) in repeat {step.repeat + 1}: {error}")
            _console.print(left_out[-1], style="red")
    if PEAK in keys:
        store.set_peak(_peak(scene.bundle))
    return left_out


def main(
    only: Annotated[
        str | None,
        typer.Option(help=f"Measure only these and keep the others' figures: {','.join(KEYS)}."),
    ] = None,
    repeats: Annotated[int, typer.Option(min=1, help="Turns of each.")] = 3,
    seconds: Annotated[int, typer.Option(min=1, help="Seconds at each number.")] = 4,
    connections: Annotated[str, typer.Option(help="Numbers of connections.")] = "1,8,32,128",
    workers: Annotated[
        int | None, typer.Option(help="Processes of (a2), (e) and (f) [default: the cores].")
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="JSONL with a field text [default: composed messages].")
    ] = None,
    bundle: Annotated[Path | None, typer.Option(help="Bundle [default: the embedded one].")] = None,
    load: Annotated[str, typer.Option(help="wrk, own, or auto: wrk where installed.")] = "auto",
    out: Annotated[Path, typer.Option(help="Where all files go.")] = Path("build/bench"),
    venvs: Annotated[Path, typer.Option(help="Environments of (c) and (d).")] = Path(
        "build/bench-venvs"
    ),
    installing: Annotated[
        bool, typer.Option("--install", help="Make the environments of (c) and (d), then stop.")
    ] = False,
) -> None:
    """Compare this service with what people usually write, interleaved, on this machine."""
    end_by_signal()
    try:
        if installing:
            for name in PACKAGES:
                _console.print(f"{name}: {install(venvs, name)}")
            return
        keys = chosen(KEYS, only)
        texts = read_texts(data) if data else composed()
        levels = [int(number) for number in connections.split(",")]
        use_wrk = load == "wrk" or (load == "auto" and wrk.available())
        out.mkdir(parents=True, exist_ok=True)
        scene = Scene(out / "checkpoint", bundle or default_path(), venvs, workers or cores())
        if set(keys) & {"a", "a2", "b", "c", "d", BULK}:
            _checkpoint(scene.checkpoint)
        store = opened(out, scene.bundle, texts, data, use_wrk=use_wrk)
        store.forget(keys)
        wanted = Wanted(texts, levels, seconds, use_wrk, out)
        left_out = _measure(keys, repeats, scene, wanted, store)
    except (TriageError, InstallFailedError, ValueError, OSError) as error:
        _console.print(f"error: {error}", style="red")
        raise typer.Exit(2) from None
    print(store.publish())
    for reason in left_out:
        _console.print(reason)
    _console.print(f"written: {out / 'bench.json'}, {out / 'bench.md'}, {out}/*.svg")


if __name__ == "__main__":
    typer.run(main)
