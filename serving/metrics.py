"""Prometheus metrics of one service, in a registry of its own. Labels come from fixed sets."""

from __future__ import annotations

from typing import Final

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)

from triage.types import Decision, Department, Reason, ReviewReason, Versions

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST
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
            "Time by stage: parse (a body, also each entry of a batch), queue (for a thread), "
            "classify, explain (classify with an explanation), request (all of it).",
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
        self.ready = Gauge("triage_ready", "1 when classifying, else 0.", registry=registry)
        self._versions = Gauge(
            "triage_versions", "Always 1; the labels say what decides.",
            ["model", "rulebook", "normaliser"], registry=registry,
        )  # fmt: skip
        # Series that are absent until their first event cannot be alerted on.
        for department in Department:
            self._departments.labels(department.value)
        for reason in Reason:
            self._reasons.labels(reason.value)
        for cause in ReviewReason:
            self._review.labels(cause.value)

    def decided(self, decision: Decision) -> None:
        """Count a decision."""
        self._departments.labels(decision.department.value).inc()
        self._urgent.inc(decision.urgent)
        self._truncated.inc(decision.truncated)
        for reason in decision.urgency.reasons:
            self._reasons.labels(reason.value).inc()
        for cause in decision.review_reasons:
            self._review.labels(cause.value).inc()

    def serves(self, versions: Versions) -> None:
        """Say which versions decide from now on."""
        self._versions.clear()
        self._versions.labels(versions.model, versions.rulebook, versions.normaliser).set(1)

    def exposition(self) -> bytes:
        """All metrics in the text format."""
        return generate_latest(self.registry)
