"""`python -m eval.bench.overload`: ten times more than the service can do, and floods of batches.

The load generator is one process with little work for each request; what it takes of the machine
is measured and told, because on few cores the service has that much less.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from eval.bench.contestants import Scene, service
from eval.bench.driver import REFUSALS, Answer, good, milliseconds
from eval.bench.figures import percentile
from eval.bench.load import Job, LoadFailedError, Report, Sending, send
from eval.bench.overload_figures import (
    Capacity,
    FloodFigures,
    OverloadResults,
    Sample,
    analyse,
)
from eval.bench.overload_report import charts, report
from eval.bench.processes import (
    Server,
    ServerFailedError,
    cpu_seconds,
    end_by_signal,
    tree,
)
from eval.bench.run import bodies, started
from eval.bench.surroundings import load_average
from eval.bench.texts import composed, read_texts, write_lines
from eval.memory import resident
from triage.bundle import default_path, read_manifest
from triage.errors import TriageError
from triage.host import cores

_console = Console(stderr=True, soft_wrap=True, markup=False, highlight=False)
_CLOSED: Final = 32
_MOST_CONNECTIONS: Final = 4_000
_SINGLES: Final = 0.1
"""Single requests beside a flood, as a share of the capacity."""
_FLOODS: Final = 2
_FLOODERS: Final = 8
_BATCH: Final = 64
_RETRY: Final = 0.2
"""Seconds after which a refused batch comes again: a flood does not wait for `Retry-After`."""


def _sample(server: Server, began: float) -> Sample:
    """Memory and processor time of the front process and its workers; 0 of one that has gone."""
    front, *workers = tree(server.pid) or [server.pid]
    return Sample(
        second=time.perf_counter() - began,
        front_mib=resident(front) or 0.0,
        workers_mib=sum(resident(pid) or 0.0 for pid in workers),
        front_cpu_s=cpu_seconds(front),
        workers_cpu_s=sum(map(cpu_seconds, workers)),
    )


@contextmanager
def sampled(server: Server, every: float = 1.0) -> Iterator[list[Sample]]:
    """Samples of a server, taken beside what the block does."""
    samples: list[Sample] = []
    over = threading.Event()
    began = time.perf_counter()

    def watch() -> None:
        while not over.wait(every):
            samples.append(_sample(server, began))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield samples
    finally:
        over.set()
        watcher.join()


class Trial:
    """Loads on one running service."""

    def __init__(self, server: Server, path: str, singles: Path, batches: Path) -> None:
        self._port, self._path = server.port, path
        self._singles, self._batches = str(singles), str(batches)

    def _send(self, seconds: float, *streams: Sending) -> Report:
        return send(Job(port=self._port, seconds=seconds, streams=list(streams)))

    def _single(self, connections: int, rate: float | None = None) -> Sending:
        return Sending(name="single", path=self._path, bodies=self._singles,
                       connections=connections, rate=rate, pause=1.0)  # fmt: skip

    def capacity(self, seconds: float) -> Capacity:
        """Answers a second in a closed loop."""
        done = self._send(seconds, self._single(_CLOSED))
        answers = good([a for a in done.streams["single"].answers if a.done < seconds])
        return Capacity(
            connections=_CLOSED,
            rate=len(answers) / seconds,
            p99_ms=percentile(milliseconds(answers), 0.99),
            load_cpu_share=done.cpu_s / seconds,
        )

    def open_loop(self, rate: float, seconds: float) -> Report:
        """So many single requests a second, whatever becomes of them."""
        return self._send(seconds, self._single(_MOST_CONNECTIONS, rate))

    def flood(self, capacity: Capacity, seconds: float) -> FloodFigures:
        """Single requests alone, then while batches come as fast as they are let in; twice."""
        rate = capacity.rate * _SINGLES
        singles = self._single(512, rate)
        batches = Sending(name="batch", path=f"{self._path}/batch", bodies=self._batches,
                          connections=_FLOODERS, pause=_RETRY)  # fmt: skip
        idle: list[Answer] = []
        pressed: list[Answer] = []
        flooding: list[Answer] = []
        done = 0
        for _ in range(_FLOODS):
            idle += self._send(seconds, singles).streams["single"].answers
            both = self._send(seconds, singles, batches).streams
            pressed += both["single"].answers
            flooding += both["batch"].answers
            done += sum(answer.done < seconds for answer in good(both["batch"].answers))
        calm, beside = milliseconds(good(idle)), milliseconds(good(pressed))
        return FloodFigures(
            rate=rate,
            idle_answered=len(calm),
            idle_p50_ms=percentile(calm, 0.5),
            idle_p99_ms=percentile(calm, 0.99),
            flooded_answered=len(beside),
            flooded_not_answered=len(pressed) - len(beside),
            flooded_p50_ms=percentile(beside, 0.5),
            flooded_p99_ms=percentile(beside, 0.99),
            batch_messages_per_s=_BATCH * done / (_FLOODS * seconds),
            batches_refused=sum(answer.status in REFUSALS for answer in flooding),
        )


def _batch_bodies(texts: Sequence[str], folder: Path) -> Path:
    batches = []
    for first in range(0, len(texts), _BATCH):
        some = [texts[(first + n) % len(texts)] for n in range(_BATCH)]
        batches.append({"messages": [{"text": text} for text in some]})
    return write_lines(folder / "bodies-batches.jsonl", batches)


def measure(
    scene: Scene, texts: Sequence[str], folder: Path, factor: float, seconds: float, flood: float
) -> OverloadResults:
    """Start the service and do everything to it.

    Raises:
        ServerFailedError, LoadFailedError: the service or the load generator did not get through.
    """
    load = load_average()
    contestant = service(scene)
    singles, batches = bodies(contestant, texts, folder), _batch_bodies(texts, folder)
    with started(contestant, texts[0], folder) as server:
        trial = Trial(server, contestant.path, singles, batches)
        trial.capacity(2.0)  # warms it up
        capacity = trial.capacity(10.0)
        _console.print(f"capacity {capacity.rate:.1f}/s; {factor:g} times that for {seconds:g} s")
        with sampled(server) as samples:
            done = trial.open_loop(factor * capacity.rate, seconds)
        sent = done.streams["single"]
        figures = analyse(sent.answers, sent.unsent, seconds, done.cpu_s, capacity,
                          [s for s in samples if s.second <= seconds + 2.0], cores())  # fmt: skip
        recovered = trial.capacity(5.0).rate
        _console.print(f"goodput {figures.goodput:.1f}/s; now singles beside batches")
        flooded = trial.flood(capacity, flood)
    manifest = read_manifest(scene.bundle)
    return OverloadResults(
        cores=cores(), load=load, bundle=f"{manifest.name}@{manifest.version}", capacity=capacity,
        overload=figures, recovered_rate=recovered, flood=flooded,
    )  # fmt: skip


def main(
    seconds: Annotated[float, typer.Option(min=1, help="Length of the overload.")] = 120.0,
    factor: Annotated[float, typer.Option(min=1, help="Times the capacity.")] = 10.0,
    flood_seconds: Annotated[
        float, typer.Option(min=1, help="Length of each of the four measurements of singles.")
    ] = 20.0,
    workers: Annotated[int | None, typer.Option(help="Workers [default: the cores].")] = None,
    data: Annotated[
        Path | None, typer.Option(help="JSONL with a field text [default: composed messages].")
    ] = None,
    bundle: Annotated[Path | None, typer.Option(help="Bundle [default: the embedded one].")] = None,
    out: Annotated[Path, typer.Option(help="Where all files go.")] = Path("build/bench"),
) -> None:
    """Offer the service many times what it can do; then flood it with batches."""
    end_by_signal()
    try:
        out.mkdir(parents=True, exist_ok=True)
        scene = Scene(out / "checkpoint", bundle or default_path(), out, workers or cores())
        texts = read_texts(data) if data else composed()
        results = measure(scene, texts, out, factor, seconds, flood_seconds)
    except (
        TriageError, ServerFailedError, LoadFailedError, ValueError, OSError
    ) as error:  # fmt: skip
        _console.print(f"error: {error}", style="red")
        raise typer.Exit(2) from None
    text = report(results)
    (out / "overload.json").write_text(results.model_dump_json(indent=1) + "\n", encoding="utf-8")
    (out / "overload.md").write_text(text, encoding="utf-8")
    for name, drawn in charts(results).items():
        (out / name).write_text(drawn, encoding="utf-8")
    print(text)
    _console.print(f"written: {out / 'overload.json'}, {out / 'overload.md'}, {out}/overload*.svg")


if __name__ == "__main__":
    typer.run(main)
