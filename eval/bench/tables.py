"""The figures as Markdown, for the README and the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from eval.bench.bulk import PIPELINE, TRIAGE
from eval.bench.contestants import ENGINE, LABELS, SERVICE
from eval.bench.figures import (
    LOOP,
    Results,
    Turn,
    bulk_rates,
    levels,
    measured_at,
    middle,
    of,
    p99s,
    rates,
    ratio,
)

_NONE: Final = "–"
_SHARED: Final = 8
"""At so many connections latencies are compared."""
_BUSY: Final = 1.5


def number(value: float | None, digits: int = 0) -> str:
    """A figure, a dash where there is none."""
    return _NONE if value is None else f"{value:,.{digits}f}"


def times(value: float | None) -> str:
    """A ratio."""
    return _NONE if value is None else f"{value:.2f}×"


def markdown(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table whose first column is text and whose others are figures."""
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _largest(turn: Turn) -> float:
    return max((process.resident_mib for process in turn.memory), default=0.0)


def _together(turn: Turn) -> float | None:
    """Memory of all processes, shared pages counted once; None where that is not known."""
    parts = [process.proportional_mib for process in turn.memory]
    known = [part for part in parts if part is not None]
    return sum(known) if known and len(known) == len(parts) else None


def _row(results: Results, key: str, connections: Sequence[int]) -> list[str]:
    turns = of(results, key)
    if key == ENGINE:
        rate = number(middle(rates(results, key, LOOP).values()), 1)
        speeds = [rate] * len(connections)
        latency = levels(results, key, LOOP)
    else:
        speeds = [number(middle(rates(results, key, n).values()), 1) for n in connections]
        latency = levels(results, key, _SHARED)
    return [
        f"({key}) {LABELS[key]}",
        *speeds,
        number(middle(level.p50_ms for level in latency.values()), 1),
        number(middle(level.p99_ms for level in latency.values()), 1),
        number(middle(level.cpu_ms for level in latency.values() if level.cpu_ms), 2),
        number(middle(turn.cold_start_s for turn in turns), 2),
        number(middle(map(_largest, turns))),
        number(middle(mib for turn in turns if (mib := _together(turn)) is not None)),
    ]


def speed(results: Results) -> str:
    """Answers a second, latency, start and memory of all who were measured."""
    connections = measured_at(results)
    header = [
        "medians", *(f"{n} conn., req/s" for n in connections), f"p50 at {_SHARED}, ms",
        f"p99 at {_SHARED}, ms", f"CPU an answer at {_SHARED}, ms",
        "first answer, s", "largest process, MiB",
        "all processes, MiB",
    ]  # fmt: skip
    return markdown(header, [_row(results, k, connections) for k in LABELS if of(results, k)])


def _against(results: Results, key: str, connections: int) -> str:
    other = LOOP if key == ENGINE else connections
    return times(ratio(rates(results, SERVICE, connections), rates(results, key, other)))


def ratios(results: Results) -> str:
    """This service over every other one: medians of the ratios of the repeats."""
    connections = measured_at(results)
    header = ["this service over", *(f"{n} conn." for n in connections), f"p99 at {_SHARED}"]
    rows = []
    for key in LABELS:
        if key == SERVICE or not of(results, key):
            continue
        p99 = times(ratio(p99s(results, SERVICE, _SHARED), p99s(results, key, _SHARED)))
        rows.append([f"({key}) {LABELS[key]}", *(_against(results, key, n) for n in connections),
                     _NONE if key == ENGINE else p99])  # fmt: skip
    return markdown(header, rows)


def _bulk(results: Results) -> str:
    rows = [
        (name, number(middle(rate.values()), 1), number(middle(starts), 1))
        for name in (TRIAGE, PIPELINE)
        if (rate := bulk_rates(results, name))
        and (starts := [turn.start_s for turn in results.bulk if turn.contestant == name])
    ]
    if not rows:
        return ""
    factor = times(ratio(bulk_rates(results, TRIAGE), bulk_rates(results, PIPELINE)))
    table = markdown(("many messages at once", "rows/s", "start, s"), rows)
    return f"{table}\n`{TRIAGE}` over `{PIPELINE}`: {factor}.\n"


def _peak(results: Results) -> str:
    peak = results.peak
    if peak is None:
        return ""
    return (
        f"One core multiplies {peak.int8_gops:.0f}·10⁹ operations a second in int8 and "
        f"{peak.fp32_gops:.0f}·10⁹ in single precision (1024³, ONNX Runtime). On {peak.tokens} "
        f"tokens the encoder does {peak.encoder_gop:.2f}·10⁹, {peak.int8_share:.0%} of them in "
        f"int8, in {peak.encoder_ms:.1f} ms: {peak.of_int8_peak:.0%} of the int8 peak, and "
        f"{peak.of_bound:.0%} of what its own mix of the two allows.\n"
    )


def _caveats(results: Results) -> str:
    told = []
    loads = [each.load for each in results.turns] + [each.load for each in results.bulk]
    if loads and max(loads) > results.machine.cores * _BUSY:
        told.append(
            f"Other work ran on the machine (load up to {max(loads):.1f} on "
            f"{results.machine.cores} cores): do not quote these figures."
        )
    refused = {
        (turn.contestant, level.connections): level.refused
        for turn in results.turns
        for level in turn.levels
        if level.refused
    }
    told += [
        f"({key}) refused {count} requests at {n} connections; they count in no rate."
        for (key, n), count in sorted(refused.items())
    ]
    failed = sum(level.failed for turn in results.turns for level in turn.levels)
    if failed:
        told.append(f"{failed} requests failed or were not answered; they count in no rate.")
    return "\n".join(f"- {line}" for line in told) + "\n" if told else ""


def _where(results: Results) -> str:
    machine = results.machine
    versions = ", ".join(f"{name} {number}" for name, number in machine.versions.items())
    repeats = len({turn.repeat for turn in results.turns})
    return (
        f"{machine.cores} cores ({machine.processor}), Python {machine.python}, {versions}; "
        f"load by {machine.load_generator}; bundle `{results.bundle}`; {results.texts} (half have "
        f"at most {results.median_characters:.0f} characters, nine tenths at most "
        f"{results.p90_characters:.0f}); {repeats} repeats, interleaved, medians.\n"
    )


def report(results: Results) -> str:
    """All tables of the results."""
    parts = [
        _where(results), _caveats(results), speed(results), ratios(results), _bulk(results),
        _peak(results),
    ]  # fmt: skip
    return "\n".join(part for part in parts if part)
