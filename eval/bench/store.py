"""The results on disk: written after every turn, so that an interrupted run loses only one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Final

from pydantic import ValidationError

from eval.bench.contestants import BULK, ENGINE, LABELS, PEAK
from eval.bench.figures import (
    LOOP,
    BulkTurn,
    PeakFigures,
    Results,
    Turn,
    levels,
    measured_at,
    middle,
    of,
    percentile,
    rates,
)
from eval.bench.plots import Series, bars
from eval.bench.surroundings import machine
from eval.bench.tables import report
from triage.bundle import read_manifest
from triage.host import replace_text

_FILE: Final = "bench.json"


class Store:
    """The results so far and the folder that they are kept in."""

    def __init__(self, folder: Path, results: Results) -> None:
        self._folder, self._results = folder, results

    @property
    def results(self) -> Results:
        """All that is known."""
        return self._results

    def _keep(self, **changed: object) -> None:
        self._results = self._results.model_copy(update=changed)
        replace_text(self._folder / _FILE, self._results.model_dump_json(indent=1) + "\n")

    def forget(self, keys: Sequence[str]) -> None:
        """Drop what is to be measured anew."""
        kept = tuple(turn for turn in self._results.turns if turn.contestant not in keys)
        many = () if BULK in keys else self._results.bulk
        self._keep(turns=kept, bulk=many, peak=None if PEAK in keys else self._results.peak)

    def add(self, turn: Turn) -> None:
        """Keep a turn."""
        self._keep(turns=(*self._results.turns, turn))

    def add_bulk(self, turn: BulkTurn) -> None:
        """Keep a turn of many messages at once."""
        self._keep(bulk=(*self._results.bulk, turn))

    def set_peak(self, peak: PeakFigures) -> None:
        """Keep the peaks."""
        self._keep(peak=peak)

    def publish(self) -> str:
        """Write the table and the charts; returns the table."""
        text = report(self._results)
        (self._folder / "bench.md").write_text(text, encoding="utf-8")
        for name, drawn in charts(self._results).items():
            (self._folder / name).write_text(drawn, encoding="utf-8")
        return text


def opened(
    folder: Path, bundle: Path, texts: Sequence[str], data: Path | None, *, use_wrk: bool
) -> Store:
    """The results of earlier runs in `folder`, or none; machine and texts are those of now."""
    manifest = read_manifest(bundle)
    lengths = [float(len(text)) for text in texts]
    results = Results(
        machine=machine("wrk" if use_wrk else "a generator of its own (epoll, one process)"),
        bundle=f"{manifest.name}@{manifest.version}",
        texts=f"{len(texts)} messages of {data.name}"
        if data
        else f"{len(texts)} composed messages",
        median_characters=median(lengths),
        p90_characters=percentile(lengths, 0.9),
    )
    try:
        old = Results.model_validate_json((folder / _FILE).read_bytes())
    except (OSError, ValidationError):
        return Store(folder, results)
    kept = {"turns": old.turns, "bulk": old.bulk, "peak": old.peak}
    return Store(folder, results.model_copy(update=kept))


def charts(results: Results) -> dict[str, str]:
    """File names and SVG documents."""
    connections = measured_at(results)
    if not connections:
        return {}
    places = [f"{n} connections" if n > 1 else "1 connection" for n in connections]
    speed, latency = [], []
    for key in (key for key in LABELS if of(results, key)):
        at = [LOOP] * len(connections) if key == ENGINE else connections
        name = f"({key}) {LABELS[key]}"
        speed.append(Series(name, [middle(rates(results, key, n).values()) for n in at]))
        if key == ENGINE:
            continue  # nobody waits for it in a queue
        slow = [middle(x.p99_ms for x in levels(results, key, n).values()) for n in at]
        latency.append(Series(name, slow))
    return {
        "throughput.svg": bars("Answers a second", "requests/s", places, speed),
        "latency.svg": bars("Slowest hundredth (p99)", "ms, log scale", places, latency, log=True),
    }
