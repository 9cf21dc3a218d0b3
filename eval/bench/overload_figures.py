"""What an overload did to the service: from every single answer to figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from eval.bench.driver import REFUSALS, Answer, good, milliseconds
from eval.bench.figures import percentile
from eval.values import Figure, Value

PROMPT_MS: Final = 50.0
"""Within so many milliseconds a refusal should come."""
GOODPUT: Final = 0.95
ACCEPTED_MS: Final = 1_000.0
FLOOD: Final = 1.5


class Sample(Value):
    """The service at one second: memory in MiB, processor seconds used since the start."""

    second: float
    front_mib: float
    workers_mib: float
    front_cpu_s: float
    workers_cpu_s: float


class Capacity(Value):
    """What the service answers in a closed loop, and what the load generator took for that."""

    connections: int
    rate: float
    p99_ms: Figure
    load_cpu_share: float


class OverloadFigures(Value):
    """An open loop above capacity. Shares of processors are of one core.

    `goodput` are answers of status 200 a second, `good_by_second` how many each second had.
    Times of answers count from when the request was sent; `lag_p99_ms` is how much later than it
    was due that was. `goodput_share` is of the capacity measured before; `fair_goodput_share` of
    that part of it which the processor time that the load generator takes leaves. `growth_mib` is
    the median memory of the last quarter less that of the second one.
    """

    seconds: float
    offered: float
    factor: float
    goodput: float
    goodput_share: float
    fair_goodput_share: float
    accepted_p50_ms: Figure
    accepted_p99_ms: Figure
    refused: int
    refusal_p50_ms: Figure
    refusal_p99_ms: Figure
    refusals_prompt_share: Figure
    refusals_without_retry_after: int
    other: dict[str, int]
    unsent: int
    lag_p99_ms: Figure
    load_cpu_share: float
    front_cpu_share: float
    workers_cpu_share: float
    growth_mib: Figure
    good_by_second: tuple[int, ...]
    memory: tuple[Sample, ...]


class FloodFigures(Value):
    """Single requests (open loop, `rate` a second) alone, and while batches flood the service."""

    rate: float
    idle_answered: int
    idle_p50_ms: Figure
    idle_p99_ms: Figure
    flooded_answered: int
    flooded_not_answered: int
    flooded_p50_ms: Figure
    flooded_p99_ms: Figure
    batch_messages_per_s: float
    batches_refused: int

    @property
    def ratio(self) -> float:
        """p99 under the flood over p99 alone."""
        if self.flooded_p99_ms is None or not self.idle_p99_ms:
            return float("nan")
        return self.flooded_p99_ms / self.idle_p99_ms


class OverloadResults(Value):
    """All of it; `load` is what else wanted to run on the machine before."""

    cores: int
    load: float
    bundle: str
    capacity: Capacity
    overload: OverloadFigures
    recovered_rate: float
    flood: FloodFigures


def by_second(answers: Sequence[Answer], seconds: float) -> tuple[int, ...]:
    """How many answers came in each whole second."""
    counts = Counter(int(answer.done) for answer in answers)
    return tuple(counts[second] for second in range(int(seconds)))


def growth(samples: Sequence[Sample]) -> float:
    """Median memory of the last quarter less that of the second quarter; NaN of too few samples.

    The first quarter is warming up: buffers and pools that are filled once.
    """
    quarter = len(samples) // 4
    if not quarter:
        return float("nan")
    totals = [sample.front_mib + sample.workers_mib for sample in samples]
    late, early = totals[-quarter:], totals[quarter : 2 * quarter]
    return percentile(late, 0.5) - percentile(early, 0.5)


def _cpu(samples: Sequence[Sample]) -> tuple[float, float]:
    """What front and workers took of a core."""
    if len(samples) < 2:
        return float("nan"), float("nan")
    first, last = samples[0], samples[-1]
    time = last.second - first.second
    front = (last.front_cpu_s - first.front_cpu_s) / time
    return front, (last.workers_cpu_s - first.workers_cpu_s) / time


def analyse(
    answers: Sequence[Answer], unsent: int, seconds: float, load_cpu_s: float, capacity: Capacity,
    samples: Sequence[Sample], cores: int,
) -> OverloadFigures:  # fmt: skip
    """The figures of an overload of so many `seconds`.

    Goodput counts what was answered within them; every answer, late ones too, counts otherwise.
    """
    accepted = good(answers)
    refused = [answer for answer in answers if answer.status in REFUSALS]
    other = Counter(
        str(answer.status or "broken")
        for answer in answers
        if answer.status != 200 and answer.status not in REFUSALS
    )
    goodput = sum(answer.done < seconds for answer in accepted) / seconds
    took, waits = milliseconds(accepted), milliseconds(refused)
    load_share = load_cpu_s / seconds
    left = (cores - load_share) / (cores - capacity.load_cpu_share)
    front, workers = _cpu(samples)
    offered = (len(answers) + unsent) / seconds
    return OverloadFigures(
        seconds=seconds,
        offered=offered,
        factor=offered / capacity.rate,
        goodput=goodput,
        goodput_share=goodput / capacity.rate,
        fair_goodput_share=goodput / (capacity.rate * left),
        accepted_p50_ms=percentile(took, 0.5),
        accepted_p99_ms=percentile(took, 0.99),
        refused=len(refused),
        refusal_p50_ms=percentile(waits, 0.5),
        refusal_p99_ms=percentile(waits, 0.99),
        refusals_prompt_share=sum(ms <= PROMPT_MS for ms in waits) / len(waits) if waits else None,
        refusals_without_retry_after=sum(not answer.retry_after for answer in refused),
        other=dict(sorted(other.items())),
        unsent=unsent,
        lag_p99_ms=percentile([1_000 * (a.sent - a.due) for a in answers], 0.99),
        load_cpu_share=load_share,
        front_cpu_share=front,
        workers_cpu_share=workers,
        growth_mib=growth(samples),
        good_by_second=by_second(accepted, seconds),
        memory=tuple(samples),
    )
