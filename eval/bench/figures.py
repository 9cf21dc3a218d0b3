"""What the benchmark writes, and what is computed from it. Times in `_ms` are milliseconds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median

import numpy as np

from eval.values import Value

LOOP = 0
"""In place of connections: no HTTP, the engine in a loop."""


class Level(Value):
    """So many connections for so many seconds.

    `answered` counts answers of status 200, `refused` 503 and 429, `failed` all else, broken
    connections and time-outs too. Percentiles are of the answered where the load generator can
    tell them apart, and of all where it cannot (`wrk`). `load_cpu_s` is what the load generator
    itself took of the processor, `server_cpu_s` what the server's processes did.
    """

    connections: int
    seconds: float
    answered: int
    refused: int
    failed: int
    p50_ms: float
    p99_ms: float
    load_cpu_s: float
    server_cpu_s: float

    @property
    def rate(self) -> float:
        """Answers a second."""
        return self.answered / self.seconds

    @property
    def cpu_ms(self) -> float | None:
        """Processor time of the server for one answer: other work on the machine hardly moves it.

        None where nothing was answered.
        """
        return 1_000 * self.server_cpu_s / self.answered if self.answered else None


class ProcessMemory(Value):
    """A process: resident, and proportional (shared pages divided among their users), in MiB."""

    name: str
    resident_mib: float
    proportional_mib: float | None


class Turn(Value):
    """A contestant started, measured and stopped once.

    `load` is the average number of processes that wanted to run before: other work on the machine.
    """

    contestant: str
    repeat: int
    began: str
    load: float
    cold_start_s: float
    memory: list[ProcessMemory]
    levels: list[Level]


class BulkTurn(Value):
    """Many messages at once. `seconds` are those of the `rows` alone where the start is known."""

    contestant: str
    repeat: int
    load: float
    rows: int
    seconds: float
    start_s: float

    @property
    def rate(self) -> float:
        """Rows a second, without the start."""
        return self.rows / self.seconds


class PeakFigures(Value):
    """What one core can multiply and what the encoder gets of it, in 10⁹ operations a second.

    An addition and a multiplication are two operations. `int8_share` and `fp32_share` are the
    parts of the encoder's operations that are done in int8 and in single precision; `encoder_ms`
    is its median time on `tokens` tokens, and `bound_ms` what the two peaks alone would need.
    """

    int8_gops: float
    fp32_gops: float
    tokens: int
    encoder_gop: float
    int8_share: float
    fp32_share: float
    encoder_ms: float
    bound_ms: float

    @property
    def of_int8_peak(self) -> float:
        """The share of the int8 peak that the encoder reaches."""
        return self.encoder_gop / (self.encoder_ms / 1_000) / self.int8_gops

    @property
    def of_bound(self) -> float:
        """The share of what int8 and single precision together allow."""
        return self.bound_ms / self.encoder_ms


class Machine(Value):
    """Where it was measured, and with what."""

    cores: int
    processor: str
    python: str
    load_generator: str
    versions: dict[str, str]


class Results(Value):
    """Everything measured so far."""

    machine: Machine
    bundle: str
    texts: str
    median_characters: float
    p90_characters: float
    turns: tuple[Turn, ...] = ()
    bulk: tuple[BulkTurn, ...] = ()
    peak: PeakFigures | None = None


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` of `values` do not exceed; NaN of none.

    An observed value, never one between two: of few observations p99 is the slowest.
    """
    if not len(values):
        return float("nan")
    return float(np.quantile(np.asarray(values), share, method="inverted_cdf"))


def of(results: Results, contestant: str) -> list[Turn]:
    """All turns of a contestant."""
    return [turn for turn in results.turns if turn.contestant == contestant]


def measured_at(results: Results) -> list[int]:
    """The numbers of connections that anybody was measured at."""
    found = {level.connections for turn in results.turns for level in turn.levels}
    return sorted(found - {LOOP})


def _at(turn: Turn, connections: int) -> Level | None:
    return next((level for level in turn.levels if level.connections == connections), None)


def levels(results: Results, contestant: str, connections: int) -> dict[int, Level]:
    """What a contestant reached at so many connections, by repeat."""
    found = {turn.repeat: _at(turn, connections) for turn in of(results, contestant)}
    return {repeat: level for repeat, level in found.items() if level is not None}


def middle(values: Iterable[float]) -> float | None:
    """The median; None of nothing."""
    kept = list(values)
    return median(kept) if kept else None


def ratio(these: dict[int, float], those: dict[int, float]) -> float | None:
    """The median of the ratios of the repeats that both have.

    What slows the machine down in one repeat slows both, and falls out of its ratio.
    """
    common = these.keys() & those.keys()
    return middle(these[repeat] / those[repeat] for repeat in common if those[repeat])


def rates(results: Results, contestant: str, connections: int) -> dict[int, float]:
    """Answers a second by repeat."""
    return {n: level.rate for n, level in levels(results, contestant, connections).items()}


def p99s(results: Results, contestant: str, connections: int) -> dict[int, float]:
    """p99 in milliseconds by repeat."""
    return {n: level.p99_ms for n, level in levels(results, contestant, connections).items()}


def bulk_rates(results: Results, contestant: str) -> dict[int, float]:
    """Rows a second by repeat."""
    return {turn.repeat: turn.rate for turn in results.bulk if turn.contestant == contestant}
