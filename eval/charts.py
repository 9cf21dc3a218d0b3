"""The sections of the page that are about confidence: routing, calibration, urgency."""

from __future__ import annotations

from html import escape
from math import ceil
from typing import Final

from eval.markup import bounds, page_section, pair, share, table
from eval.results import Report, SystemFigures
from eval.svg import Axis, Line, chart
from eval.systems import FUSION, RULES
from triage.labels import REASON_NAMES, REASONS

_LEAST_HEIGHT: Final = 0.2
# No department of four is the likeliest with less.
_EVEN: Final = 0.25


def _routed(system: SystemFigures) -> str:
    r = system.routed
    if r is None:
        return ""
    return (
        f"<p>{escape(system.label)}: {r.coverage:.1%} of the messages ({r.messages}) go out "
        f"without a person; {bounds(r.accuracy)} of them are right "
        f"(lenient {share(r.lenient_accuracy)}).</p>"
    )


def routing(report: Report) -> str:
    """What goes out without a person, and the curve behind it."""
    lines = [
        Line(s.label, list(zip(s.curve.coverage, s.curve.risk, strict=True)))
        for s in report.systems
    ]
    lines += [
        Line("shipped threshold 现行阈值", [(s.routed.coverage, 1 - accuracy)], True)
        for s in report.systems
        if s.name == FUSION and s.routed and (accuracy := s.routed.accuracy.value) is not None
    ]
    # The rules are wrong often and must not squeeze the others into the bottom of the chart.
    worst = max((s.curve.risk[-1] for s in report.systems if s.name != RULES), default=0.0)
    high = max(_LEAST_HEIGHT, ceil(worst * 10) / 10)
    drawn = chart(
        "Risk and coverage", lines, Axis("coverage 覆盖率"), Axis("risk 错误率", 0.0, high)
    )
    rows = [(s.label, share(s.curve.coverage_at_95)) for s in report.systems]
    reached = table(
        ("system 系统", "largest coverage right 95 % of the time (chosen on these)"), rows
    )
    body = "".join(map(_routed, report.systems)) + pair([drawn, reached])
    return page_section("Routing without a person 免人工分派", body)


def calibration(report: Report) -> str:
    """Confidence against the share that is right."""
    lines = [
        Line(
            s.label, list(zip(s.calibration.confidence, s.calibration.accuracy, strict=True)), True
        )
        for s in report.systems
        if s.calibration.count
    ]
    lines.append(Line("ideal 理想", [(_EVEN, _EVEN), (1.0, 1.0)]))
    axis = Axis("confidence 置信度", _EVEN, 1.0)
    drawn = chart("Reliability", lines, axis, Axis("right 正确率", 0.0, 1.0))
    header = ("system 系统", "bin", "messages", "confidence", "right")
    rows = [
        (
            s.label,
            number + 1,
            c.count[number],
            share(c.confidence[number]),
            share(c.accuracy[number]),
        )
        for s in report.systems
        for c in (s.calibration,)
        for number in range(len(c.count))
    ]
    note = (
        "<p>Bins of equal mass, where the system answered. The rules give no probabilities: theirs "
        "is the department's share of the scores.</p>"
    )
    details = f"<details><summary>table 明细</summary>{table(header, rows)}</details>"
    return page_section("Calibration 校准", note + drawn + details)


def sets(report: Report) -> str:
    """Sets of departments that cannot be ruled out."""
    rows = [
        (s.label, f.messages, bounds(f.coverage), f"{f.mean_size:.2f}", share(f.singletons))
        for s in report.systems
        if (f := s.sets) is not None
    ]
    if not rows:
        return ""
    header = ("system 系统", "messages", "coverage [95 %]", "mean size", "of one department")
    note = "<p>Coverage: the share of messages whose set holds the right department.</p>"
    return page_section("Sets of departments 候选部门", note + table(header, rows))


def urgency(report: Report) -> str:
    """Finding the urgent, at the threshold and by reason."""
    header = ("system 系统", "messages", "urgent", "AP", "precision", "recall", "F1",
              "precision at recall 0.9", "lenient P", "lenient R")  # fmt: skip
    rows = [
        (
            s.label, s.urgent.messages, s.urgent.flag.support, share(s.urgent.average_precision),
            share(s.urgent.flag.precision), share(s.urgent.flag.recall), share(s.urgent.flag.f1),
            share(s.urgent.precision_at_recall_90), share(s.urgent.lenient_flag.precision),
            share(s.urgent.lenient_flag.recall),
        )
        for s in report.systems
    ]  # fmt: skip
    note = (
        "<p>Fusion and rules at their shipped thresholds, model and baseline at one half. By "
        "reason: the share flagged urgent at all, and, after the stroke, with that reason.</p>"
    )
    reason_rows: list[tuple[str | int, ...]] = [
        (
            f"{REASON_NAMES[reason]} {reason.value}",
            report.systems[0].urgent.reasons[reason.value].support,
            *(
                f"{share(s.urgent.reasons[reason.value].flagged)} / "
                f"{share(s.urgent.reasons[reason.value].named)}"
                for s in report.systems
            ),
        )
        for reason in REASONS
    ]
    reason_table = table(("reason 事由", "urgent", *(s.label for s in report.systems)), reason_rows)
    return page_section("Urgency 紧急", note + table(header, rows) + reason_table)
