"""The sections of the page, each a function of the report."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Final

from eval.charts import calibration, routing, sets, urgency
from eval.cost_sections import budget, runtime, size
from eval.markup import bounds, page_section, pair, shaded, share, table
from eval.results import Report
from triage.labels import DEPARTMENT_NAMES, DEPARTMENTS

_NAMES: Final = tuple(f"{DEPARTMENT_NAMES[d]} {d.value}" for d in DEPARTMENTS)
_SHORT: Final = tuple(DEPARTMENT_NAMES[d] for d in DEPARTMENTS)


def _labels(report: Report) -> dict[str, str]:
    return {system.name: system.label for system in report.systems}


def headline(report: Report) -> str:
    """The figures that decide, one row for each system."""
    header = (
        "system 系统", "macro-F1 [95 %]", "accuracy", "lenient macro-F1", "lenient accuracy",
        "coverage", "ECE", "urgent AP", "urgent P", "urgent R", "urgent F1",
    )  # fmt: skip
    rows = [
        (
            s.label, bounds(s.departments.macro_f1), share(s.departments.accuracy),
            share(s.departments.lenient_macro_f1), share(s.departments.lenient_accuracy),
            share(s.departments.coverage), share(s.calibration.ece),
            share(s.urgent.average_precision), share(s.urgent.flag.precision),
            share(s.urgent.flag.recall), share(s.urgent.flag.f1),
        )
        for s in report.systems
    ]  # fmt: skip
    return page_section("Overview 总览", table(header, rows))


def comparisons(report: Report) -> str:
    """Whether one system is better than another, and how sure that is."""
    labels = _labels(report)
    header = ("system 系统", "against 对比", "macro-F1 gain [95 %]", "only the system right",
              "only the other right", "McNemar p")  # fmt: skip
    rows = [
        (
            labels[c.system],
            labels[c.other],
            bounds(c.gain, sign=True),
            c.better,
            c.worse,
            f"{c.p:.2g}",
        )
        for c in report.comparisons
    ]
    return page_section("Which is better? 显著性", table(header, rows))


def classes(report: Report) -> str:
    """Precision, recall and F1 of each department."""
    header = ("system 系统", "department 部门", "precision", "recall", "F1", "support")
    rows = [
        (s.label, name, share(c.precision), share(c.recall), share(c.f1), c.support)
        for s in report.systems
        for name, c in zip(_NAMES, s.departments.classes.values(), strict=True)
    ]
    return page_section("Departments 各部门", table(header, rows))


def confusion(report: Report) -> str:
    """Who is taken for whom."""
    header = ("truth ↓ choice →", *_SHORT, "无 none")
    parts = [
        f"<h3>{escape(s.label)}</h3>{shaded(s.departments.confusion, header, _SHORT)}"
        for s in report.systems
    ]
    return page_section("Confusion 混淆矩阵", pair(parts))


def nothing(report: Report) -> str:
    """Messages with nothing to handle, noticed or not."""
    header = ("system 系统", "messages", "noticed", "false alarms")
    rows = [
        (s.label, n.support, share(n.recall if n.support else None), n.false_alarms)
        for s in report.systems
        if (n := s.nothing) is not None
    ]
    return page_section("Nothing to handle 无可办理事项", table(header, rows))


def slices(report: Report) -> str:
    """Accuracy on parts of the messages."""
    labels = _labels(report)
    header = ("part", "", "messages", *(f"accuracy {name}" for name in labels.values()),
              "fusion macro-F1", "urgent", "fusion urgent recall")  # fmt: skip
    rows: list[tuple[str | int, ...]] = [
        (
            s.group, s.value, s.messages, *(share(s.accuracy[name]) for name in labels),
            share(s.macro_f1), s.urgent, share(s.urgent_recall),
        )
        for s in report.slices
    ]  # fmt: skip
    note = (
        "<p>Macro-F1 only where every department occurs. Small parts say little. Script: "
        "traditional where OpenCC's conversion to simplified changes at least a tenth of the Han "
        "characters, and more of them than the opposite one.</p>"
    )
    return page_section("Slices 分组", note + table(header, rows))


def converted(report: Report) -> str:
    """The same messages in traditional characters."""
    c = report.converted
    if c is None:
        return ""
    rows = [
        ("messages that the conversion changes", str(c.changed)),
        ("of these: same department", share(c.same_department)),
        ("of these: same urgency", share(c.same_urgency)),
        ("macro-F1 converted", share(c.macro_f1)),
        ("macro-F1 as received", share(c.macro_f1_as_received)),
    ]
    note = (
        "<p>The labelled messages converted to traditional characters by OpenCC and answered "
        "again: not natural text, and no measure of how people write who use them. "
        "机器转换的繁体，并非真实繁体来信。</p>"
    )
    return page_section("Traditional characters 繁体（转换）", note + table(("", ""), rows))


ALL: Final[tuple[Callable[[Report], str], ...]] = (
    headline, budget, comparisons, classes, confusion, urgency, routing, calibration, sets,
    nothing, slices, converted, size, runtime,
)  # fmt: skip
