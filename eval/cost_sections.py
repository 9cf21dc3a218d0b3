"""The sections of the page that are about size, memory and time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from eval.budget import MB, TOKENS, BudgetFigures
from eval.costs import RuntimeFigures, TimeFigures
from eval.markup import Raw, page_section, table
from eval.results import Report

_YES: Final = Raw('<span class="tag right">✓ within 达标</span>')
_NO: Final = Raw('<span class="tag wrong">✗ over 超出</span>')


def _mib(value: float | None) -> str:
    return "–" if value is None else f"{value:.0f} MiB"


def amount(figure: BudgetFigures) -> tuple[str, str]:
    """A figure and its limit, with their unit."""
    return f"{figure.value:.1f} {figure.unit}", f"≤ {figure.limit:g} {figure.unit}"


def budget(report: Report) -> str:
    """What the bundle may cost and what it does."""
    rows = [(f.name, *amount(f), _YES if f.within else _NO) for f in report.budget]
    note = "" if report.runtime else "<p>Time and memory were not measured 未测时间与内存。</p>"
    body = table(("", "measured 实测", "limit 限额", ""), rows) + note
    return page_section("Budget 限额", body)


def size(report: Report) -> str:
    """The files of the bundle."""
    rows = [(name, f"{size / MB:.3f}") for name, size in report.files.items()]
    rows.append(("total 合计", f"{sum(report.files.values()) / MB:.3f}"))
    return page_section("Bundle on disk 模型包大小", table(("file 文件", "MB"), rows))


def _times(name: str, times: TimeFigures) -> Iterator[tuple[str, str]]:
    yield (f"{name}: median, 90th percentile", f"{times.median_ms:.2f}, {times.p90_ms:.2f} ms")
    yield (
        f"{name}, CPU time: median, 90th percentile",
        f"{times.cpu_median_ms:.2f}, {times.cpu_p90_ms:.2f} ms",
    )


def _rows(r: RuntimeFigures) -> Iterator[tuple[str, str]]:
    yield ("cold start to the first answer (median)", f"{r.cold_start_median_s:.2f} s")
    yield ("CPU time of a cold start (median)", f"{r.cold_start_cpu_s:.2f} s")
    yield ("cold starts", ", ".join(f"{s:.2f}" for s in r.cold_start_s) + " s")
    yield ("resident memory (RSS) after 200 messages", _mib(r.resident_mib))
    yield ("proportional memory (PSS)", _mib(r.proportional_mib))
    yield (f"median time of {r.messages} messages, one thread", f"{r.latency_median_ms:.2f} ms")
    yield ("CPU time of a message (median)", f"{r.latency_cpu_ms:.2f} ms")
    yield ("99th percentile", f"{r.latency_p99_ms:.2f} ms")
    yield from _times(f"message of {TOKENS} tokens, one thread", r.window.message)
    yield from _times("of which the encoder alone", r.window.encoder)
    yield ("machine: cores, load at the start", f"{r.cores}, {r.load:.1f}")


def runtime(report: Report) -> str:
    """A fresh process on this machine."""
    r = report.runtime
    if r is None:
        return page_section("Run time 运行", "<p>Not measured.</p>")
    w = r.window
    note = (
        f"<p>Messages of {TOKENS} tokens: the {w.messages} labelled ones nearest to it "
        f"({w.shortest} to {w.longest} tokens), each {w.rounds} times. Other work on the machine "
        "lengthens times by the clock and, on shared cores, CPU times.</p>"
    )
    return page_section("Run time 运行", table(("", ""), _rows(r)) + note)
