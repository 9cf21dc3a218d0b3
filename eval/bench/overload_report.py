"""The overload as a table beside what is asked of the service, and as charts."""

from __future__ import annotations

from eval.bench.overload_figures import ACCEPTED_MS, FLOOD, GOODPUT, PROMPT_MS, OverloadResults
from eval.bench.plots import Series, lines
from eval.bench.tables import markdown, number


def _met(met: bool) -> str:
    return "yes" if met else "**no**"


def _rows(results: OverloadResults) -> list[tuple[str, str, str, str]]:
    o, f = results.overload, results.flood
    errors = sum(o.other.values())
    named = ", ".join(f"{count} × {status}" for status, count in o.other.items()) or "none"
    prompt = o.refusals_prompt_share
    p99 = o.accepted_p99_ms
    return [
        ("goodput of capacity", f"{o.goodput_share:.1%}", f"≥ {GOODPUT:.0%}",
         _met(o.goodput_share >= GOODPUT)),
        ("the same, of what the load generator leaves", f"{o.fair_goodput_share:.1%}",
         f"≥ {GOODPUT:.0%}", _met(o.fair_goodput_share >= GOODPUT)),
        ("p99 of accepted, ms", number(p99), f"≤ {ACCEPTED_MS:.0f}",
         _met(p99 is not None and p99 <= ACCEPTED_MS)),
        ("p99 of refusals, ms", number(o.refusal_p99_ms, 1), f"≤ {PROMPT_MS:.0f}",
         _met(o.refusal_p99_ms is not None and o.refusal_p99_ms <= PROMPT_MS)),
        (f"refusals within {PROMPT_MS:.0f} ms", "–" if prompt is None else f"{prompt:.2%}", "", ""),
        ("refusals without Retry-After", str(o.refusals_without_retry_after), "0",
         _met(o.refusals_without_retry_after == 0)),
        ("other answers than 200, 503 and 429", named, "none", _met(errors == 0)),
        ("memory, last quarter less second, MiB", number(o.growth_mib, 1), "flat", ""),
        ("single requests' p99, flooded over idle", f"{f.ratio:.2f}×", f"≤ {FLOOD}×",
         _met(f.ratio <= FLOOD)),
    ]  # fmt: skip


def report(results: OverloadResults) -> str:
    """What was offered, what came of it, and where the processors went."""
    c, o, f = results.capacity, results.overload, results.flood
    table = markdown(("", "measured", "wanted", "met"), _rows(results))
    return (
        f"Capacity {c.rate:.1f} answers/s ({c.connections} connections, closed loop); offered "
        f"{o.offered:.0f}/s ({o.factor:.1f} times that) in an open loop for {o.seconds:.0f} s: "
        f"{o.goodput:.1f} answers/s, {o.refused} refused, {o.unsent} not sent for want of "
        f"connections. Afterwards {results.recovered_rate:.1f}/s.\n\n{table}\n"
        f"Of {results.cores} cores the load generator took {o.load_cpu_share:.2f} (at capacity "
        f"{c.load_cpu_share:.2f}), the front process {o.front_cpu_share:.2f}, the workers "
        f"{o.workers_cpu_share:.2f}; the generator sent p99 {number(o.lag_p99_ms, 1)} ms late. "
        f"Singles at {f.rate:.1f}/s: p99 {number(f.idle_p99_ms, 1)} ms alone, "
        f"{number(f.flooded_p99_ms, 1)} ms beside {f.batch_messages_per_s:.0f} messages/s in "
        f"batches ({f.flooded_not_answered} not answered; {f.batches_refused} batches refused).\n"
        f"Load of the machine before: {results.load:.2f}.\n"
    )


def charts(results: OverloadResults) -> dict[str, str]:
    """File names and SVG documents."""
    o = results.overload
    capacity = Series("capacity", [results.capacity.rate] * len(o.good_by_second))
    answered = Series("answered", [float(count) for count in o.good_by_second])
    front = Series("front process", [sample.front_mib for sample in o.memory])
    workers = Series("workers", [sample.workers_mib for sample in o.memory])
    title = f"Answers a second at {o.factor:.0f} times the capacity"
    return {
        "overload.svg": lines(title, "answers/s", "seconds", [answered, capacity]),
        "overload-memory.svg": lines(
            "Resident memory under overload", "MiB", "seconds", [front, workers]
        ),
    }
