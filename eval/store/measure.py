"""What people and programs do with the store, timed one after the other."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

from pydantic import BaseModel, ConfigDict

from eval.bench.figures import percentile
from eval.memory import resident
from eval.store.service import Service, StoreBenchError

_PIECE: Final = 1 << 16
_TABS: Final = ("urgent", "review", "all", "mine", "done")
_DEEP: Final = 20
WORDS: Final = (
    "工资",
    "扬尘",
    "检察院依法监督",
    "滨湖新城",
    "判决",
    "镇政府强拆",
    "量子计算机",
    "苦杏仁味",
)
"""Frequent and rare ones, and one that nobody wrote."""


class Times(BaseModel):
    """How long one kind of request took, in milliseconds."""

    model_config = ConfigDict(frozen=True)

    name: str
    count: int
    median_ms: float
    p99_ms: float
    max_ms: float
    limit_ms: float | None

    @classmethod
    def of(cls, name: str, seconds: Sequence[float], limit_ms: float | None) -> Times:
        """From single times."""
        ordered = sorted(1000 * one for one in seconds)
        return cls(
            name=name,
            count=len(ordered),
            median_ms=percentile(ordered, 0.5),
            p99_ms=percentile(ordered, 0.99),
            max_ms=ordered[-1],
            limit_ms=limit_ms,
        )


class Exported(BaseModel):
    """One export: rows, seconds and how much the service grew while it ran."""

    model_config = ConfigDict(frozen=True)

    form: str
    rows: int
    mib: float
    seconds: float
    grown_mib: float


def next_items(service: Service, count: int) -> Times:
    """Take the next message, as many times, each while the ones before are held by somebody."""
    taken: list[float] = []
    held: list[int] = []
    for number in range(count):
        tab = _TABS[number % 3]
        seconds, item = service.ask("POST", "/v1/reviews/next", tab=tab)
        taken.append(seconds)
        if item is not None:
            held.append(item["message_id"])
    for message in held:
        service.ask("DELETE", f"/v1/reviews/{message}/lease")
    return Times.of("next item", taken, 100)


def list_pages(service: Service, count: int) -> list[Times]:
    """First pages with their counts, pages with filters, and pages far down."""
    first, filtered, deep = [], [], []
    for number in range(count):
        tab = _TABS[number % len(_TABS)]
        first.append(service.ask("GET", "/v1/reviews", tab=tab)[0])
        filters: list[dict[str, Any]] = [
            {"department": "civil"},
            {"channel": "12309"},
            {"reason": "livelihood"},
            {"department": "complaints", "channel": "来信", "since": "2026-01-01T00:00:00Z"},
        ]
        filtered.append(service.ask("GET", "/v1/reviews", tab=tab, **filters[number % 4])[0])
    for tab in ("all", "done"):
        cursor = None
        for _ in range(_DEEP):
            query = {"tab": tab, "limit": 200} | ({"cursor": cursor} if cursor else {})
            seconds, page = service.ask("GET", "/v1/reviews", **query)
            cursor = page["next"]
            if cursor is None:
                break
            deep.append(seconds)
    found = [Times.of("list page", first, 300), Times.of("list page, filtered", filtered, 300)]
    return found + ([Times.of("list page of 200, further down", deep, 300)] if deep else [])


def searches(service: Service, count: int) -> Times:
    """Lists by what the text says."""
    taken = [
        service.ask("GET", "/v1/reviews", tab=tab, text=WORDS[number % len(WORDS)])[0]
        for number in range(count)
        for tab in ("all", "review", "done")
    ]
    return Times.of("text search", taken, 1_000)


def hot_issues(service: Service, count: int) -> Times:
    """The list of what many people write about."""
    taken = [service.ask("GET", "/v1/hot-issues")[0] for _ in range(count)]
    return Times.of("hot issues", taken, None)


def export(service: Service, form: str) -> Exported:
    """Read a whole export; the service's memory is looked at while it runs."""
    before = resident(service.pid) or 0.0
    peak = [before]
    stopped = threading.Event()
    watcher = threading.Thread(target=_watch, args=(service.pid, peak, stopped.wait))
    watcher.start()
    began = time.perf_counter()
    try:
        answer = service.send("GET", "/v1/exports", format=form)
        if answer.status != 200:
            raise StoreBenchError(f"GET /v1/exports was answered with {answer.status}")
        size = lines = 0
        while piece := answer.read(_PIECE):
            size += len(piece)
            lines += piece.count(b"\n")
        seconds = time.perf_counter() - began
    finally:
        stopped.set()
        watcher.join()
    return Exported(form=form, rows=lines if form == "jsonl" else 0, mib=size / 2**20,
                    seconds=seconds, grown_mib=max(peak) - before)  # fmt: skip


def _watch(pid: int, seen: list[float], stopped: Callable[[float], bool]) -> None:
    while not stopped(0.05):
        seen.append(resident(pid) or 0.0)
