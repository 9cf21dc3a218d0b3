"""Prometheus metrics of one service, in a registry of its own. Labels come from fixed sets."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)

from serving.admission import Lane, Queue
from serving.pool import Pool
from triage.types import Department, Reason, ReviewReason, Versions

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST
_CONFIDENCE: Final = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0)
_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class Metrics:
    """What operators watch: latency by stage, answers, refusals, decisions, versions."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        registry = self.registry
        self.requests = Counter(
            "triage_requests",
            "Answers by route and status.",
            ["route", "status"],
            registry=registry,
        )
        self.stages = Histogram(
            "triage_stage_seconds",
            "Time by stage: queue (for a worker), parse and classify (of what was decided), "
            "explain (classify with an explanation), store (until it is on disk), request (all of "
            "it).",
            ["stage"],
            buckets=_BUCKETS,
            registry=registry,
        )
        self.refusals = Counter(
            "triage_refusals", "Refused requests and batch entries by code.", ["code"],
            registry=registry,
        )  # fmt: skip
        self._departments = Counter(
            "triage_decisions", "Decisions by department.", ["department"], registry=registry
        )
        self._urgent = Counter("triage_urgent", "Urgent decisions.", registry=registry)
        self._reasons = Counter(
            "triage_urgency_reasons", "Urgency reasons given.", ["reason"], registry=registry
        )
        self._review = Counter(
            "triage_reviews", "Decisions that a person must see, by cause.", ["cause"],
            registry=registry,
        )  # fmt: skip
        self._truncated = Counter(
            "triage_truncated", "Texts longer than the model's window.", registry=registry
        )
        self._confidence = Histogram(
            "triage_confidence", "Probability of the department that was decided.",
            buckets=_CONFIDENCE, registry=registry,
        )  # fmt: skip
        self._ready = Gauge("triage_ready", "1 when classifying, else 0.", registry=registry)
        self._waiting = Gauge(
            "triage_waiting", "Messages that wait for a worker, by lane (single, batch).",
            ["lane"], registry=registry,
        )  # fmt: skip
        self._workers = Gauge(
            "triage_workers", "Worker processes that are ready and that are wanted.",
            ["state"], registry=registry,
        )  # fmt: skip
        self._versions = Gauge(
            "triage_versions", "Always 1; the labels say what decides.",
            list(Versions.model_fields), registry=registry,
        )  # fmt: skip
        self._refused = Gauge(
            "triage_change_refused",
            "1 while the bundle or rulebook that was chosen last cannot be used, else 0.",
            registry=registry,
        )
        self._shadow = Counter(
            "triage_shadow",
            "Messages that the shadow saw: same, or what differed (department, urgent, review), "
            "failed, or skipped because it was behind.",
            ["result"], registry=registry,
        )  # fmt: skip
        self._shadow_versions = Gauge(
            "triage_shadow_versions", "Always 1; the labels say what runs beside.",
            list(Versions.model_fields), registry=registry,
        )  # fmt: skip
        # Series that are absent until their first event cannot be alerted on.
        for department in Department:
            self._departments.labels(department.value)
        for reason in Reason:
            self._reasons.labels(reason.value)
        for cause in ReviewReason:
            self._review.labels(cause.value)

    def answered(self, summary: Mapping[str, Any], waited: float, *, explain: bool) -> None:
        """Count what a worker told of a message."""
        self.stages.labels("queue").observe(waited)
        if "department" not in summary:
            return
        self.stages.labels("parse").observe(summary["parse"])
        # Explanations take many times longer: they must not hide how fast decisions are.
        self.stages.labels("explain" if explain else "classify").observe(summary["classify"])
        self._departments.labels(summary["department"]).inc()
        self._urgent.inc(summary["urgent"])
        self._truncated.inc(summary["truncated"])
        self._confidence.observe(summary["confidence"])
        for reason in summary["reasons"]:
            self._reasons.labels(reason).inc()
        for cause in summary["review"]:
            self._review.labels(cause).inc()

    def watch(self, queue: Queue, pool: Pool) -> None:
        """Read depth of the queue and readiness at every scrape."""
        for lane in Lane:
            self._waiting.labels(lane.value).set_function(partial(queue.waiting, lane))
        self._workers.labels("ready").set_function(lambda: pool.ready)
        self._workers.labels("wanted").set_function(lambda: pool.size)
        self._ready.set_function(lambda: pool.ready > 0)

    def serves(self, versions: Versions) -> None:
        """Say which versions decide from now on."""
        self._refused.set(0)
        self._versions.clear()
        self._versions.labels(**versions.model_dump()).set(1)

    def refuses_change(self) -> None:
        """Say that what was chosen last cannot be used."""
        self._refused.set(1)

    def compared(self, result: str) -> None:
        """Count a message that the shadow saw."""
        self._shadow.labels(result).inc()

    def shadows(self, versions: Versions | None) -> None:
        """Say what runs beside from now on."""
        self._shadow_versions.clear()
        if versions is not None:
            self._shadow_versions.labels(**versions.model_dump()).set(1)

    def exposition(self) -> bytes:
        """All metrics in the text format."""
        return generate_latest(self.registry)
