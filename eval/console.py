"""The report in a terminal: figures, no texts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table

from eval.budget import MB, TOKENS
from eval.cost_sections import amount
from eval.costs import TimeFigures
from eval.markup import bounds, share
from eval.results import Report
from triage.labels import DEPARTMENT_NAMES, DEPARTMENTS, REASON_NAMES, REASONS


def _table(title: str, header: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    table = Table(title=title, title_justify="left")
    for number, name in enumerate(header):
        table.add_column(name, justify="right" if number else "left", overflow="fold")
    for row in rows:
        table.add_row(*row)
    return table


def _overview(report: Report) -> Table:
    header = ("system", "macro-F1 [95 %]", "accuracy", "lenient F1", "coverage", "ECE",
              "urgent AP", "P", "R", "F1")  # fmt: skip
    rows = [
        (
            s.label, bounds(s.departments.macro_f1), share(s.departments.accuracy),
            share(s.departments.lenient_macro_f1), share(s.departments.coverage),
            share(s.calibration.ece), share(s.urgent.average_precision),
            share(s.urgent.flag.precision), share(s.urgent.flag.recall), share(s.urgent.flag.f1),
        )
        for s in report.systems
    ]  # fmt: skip
    return _table(f"{report.strict_messages} messages, strict", header, rows)


def _classes(report: Report) -> Table:
    rows = [
        (s.label, DEPARTMENT_NAMES[d], share(c.precision), share(c.recall), share(c.f1),
         str(c.support))
        for s in report.systems
        for d, c in zip(DEPARTMENTS, s.departments.classes.values(), strict=True)
    ]  # fmt: skip
    header = ("system", "department", "precision", "recall", "F1", "support")
    return _table("Departments", header, rows)


def _confusions(report: Report) -> Iterable[Table]:
    header = ("truth ↓ choice →", *(DEPARTMENT_NAMES[d] for d in DEPARTMENTS), "none")
    for system in report.systems:
        rows = [
            (DEPARTMENT_NAMES[d], *map(str, counts))
            for d, counts in zip(DEPARTMENTS, system.departments.confusion, strict=True)
        ]
        yield _table(f"Confusion: {system.label}", header, rows)


def _comparisons(report: Report) -> Table:
    labels = {s.name: s.label for s in report.systems}
    rows = [
        (labels[c.system], labels[c.other], bounds(c.gain, sign=True), str(c.better),
         str(c.worse), f"{c.p:.2g}")
        for c in report.comparisons
    ]  # fmt: skip
    header = ("system", "against", "macro-F1 gain [95 %]", "better", "worse", "McNemar p")
    return _table("Which is better?", header, rows)


def _budget(report: Report) -> Table:
    rows = [
        (f.name, *amount(f), "✓ within budget" if f.within else "✗ OVER BUDGET")
        for f in report.budget
    ]
    return _table("Budget", ("", "measured", "limit", ""), rows)


def _times(name: str, times: TimeFigures) -> str:
    return (
        f"{name}: median {times.median_ms:.2f} ms (90 %: {times.p90_ms:.2f} ms), "
        f"CPU {times.cpu_median_ms:.2f} ms (90 %: {times.cpu_p90_ms:.2f} ms)"
    )


def _reasons(report: Report) -> Table:
    rows = [
        (
            REASON_NAMES[reason],
            str(report.systems[0].urgent.reasons[reason.value].support),
            *(share(s.urgent.reasons[reason.value].flagged) for s in report.systems),
        )
        for reason in REASONS
    ]
    header = ("reason", "urgent", *(s.label for s in report.systems))
    return _table("Share of the urgent that is flagged", header, rows)


def _summary(report: Report) -> Iterable[str]:
    for system in report.systems:
        if (r := system.routed) is not None:
            yield (
                f"{system.label}: {r.coverage:.1%} routed without a person, "
                f"{bounds(r.accuracy)} of them right"
            )
        if (f := system.sets) is not None:
            yield (
                f"{system.label}: sets of departments hold the right one in {bounds(f.coverage)}, "
                f"mean size {f.mean_size:.2f}, {f.singletons:.1%} of one department"
            )
    if (c := report.converted) is not None:
        yield (
            f"converted to traditional characters (OpenCC, not natural text): {c.changed} messages "
            f"changed, same department {share(c.same_department)}, same urgency "
            f"{share(c.same_urgency)}; macro-F1 {c.macro_f1:.3f}, as received "
            f"{c.macro_f1_as_received:.3f}"
        )
    if (t := report.runtime) is not None:
        memory = "–" if t.resident_mib is None else f"{t.resident_mib:.0f} MiB"
        yield (
            f"cold start to the first answer {t.cold_start_median_s:.2f} s "
            f"(CPU {t.cold_start_cpu_s:.2f} s), resident {memory}, "
            f"{t.latency_median_ms:.2f} ms a message (CPU {t.latency_cpu_ms:.2f} ms, "
            f"99 %: {t.latency_p99_ms:.2f} ms), machine load {t.load:.1f}"
        )
        yield _times(f"message of {TOKENS} tokens", t.window.message)
        yield _times("of which the encoder alone", t.window.encoder)
    files = ", ".join(f"{name} {size / MB:.2f}" for name, size in report.files.items())
    yield f"bundle on disk, MB: {files}"


def show(report: Report, console: Console) -> None:
    """Print the tables and the lines that matter most."""
    console.print(_overview(report), _comparisons(report), _classes(report), _reasons(report))
    console.print(*_confusions(report), _budget(report))
    for line in _summary(report):
        console.print(line, markup=False, highlight=False)
