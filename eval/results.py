"""The figures of a report: frozen values that become `report.json`. None holds a message's text."""

from __future__ import annotations

from math import isnan
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict


def _defined(value: object) -> object:
    return None if isinstance(value, float) and isnan(value) else value


Figure = Annotated[float | None, BeforeValidator(_defined)]
"""A figure that is None where it is undefined: a share of nothing is no share."""


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ClassFigures(_Value):
    """Precision, recall, F1 and the number of messages of one class."""

    precision: float
    recall: float
    f1: float
    support: int


class IntervalFigures(_Value):
    """A value and the bounds of its 95 % bootstrap interval."""

    value: Figure
    low: Figure
    high: Figure


class DepartmentFigures(_Value):
    """Routing to departments. `confusion`: rows truth, columns choice, last column no answer."""

    messages: int
    macro_f1: IntervalFigures
    accuracy: float
    lenient_macro_f1: float
    lenient_accuracy: float
    coverage: float
    classes: dict[str, ClassFigures]
    confusion: list[list[int]]


class CalibrationFigures(_Value):
    """`ece` over bins of equal mass: count, mean confidence and accuracy of each."""

    ece: Figure
    count: list[int]
    confidence: list[float]
    accuracy: list[float]


class ReasonFigures(_Value):
    """Of the messages urgent for one reason: the share flagged at all, and for that reason."""

    support: int
    flagged: Figure
    named: Figure


class UrgentFigures(_Value):
    """Finding the urgent. Threshold figures are of the system's own flag."""

    messages: int
    flag: ClassFigures
    lenient_flag: ClassFigures
    average_precision: Figure
    precision_at_recall_90: Figure
    reasons: dict[str, ReasonFigures]


class CurveFigures(_Value):
    """Risk against coverage, thinned; `coverage_at_95` is the most that is right 95 % of times."""

    coverage: list[float]
    risk: list[float]
    coverage_at_95: float


class RoutedFigures(_Value):
    """Messages that go out without a person: their share of all and how many are right."""

    coverage: float
    accuracy: IntervalFigures
    lenient_accuracy: Figure
    messages: int


class NothingFigures(_Value):
    """Messages with nothing to handle: how many there are, and how many were noticed."""

    support: int
    recall: float
    false_alarms: int


class SystemFigures(_Value):
    """Everything about one system; None where it does not decide such a thing."""

    name: str
    label: str
    departments: DepartmentFigures
    calibration: CalibrationFigures
    urgent: UrgentFigures
    curve: CurveFigures
    routed: RoutedFigures | None
    nothing: NothingFigures | None


class ComparisonFigures(_Value):
    """The shipped decision against another system, on the same messages.

    `gain`: difference of macro-F1, paired bootstrap. `better`, `worse`: messages that only the
    shipped decision or only the other has right; `p` of the exact McNemar test on them.
    """

    other: str
    gain: IntervalFigures
    better: int
    worse: int
    p: float


class SliceFigures(_Value):
    """One part of the messages; `accuracy` by system. None where there is nothing to count."""

    group: str
    value: str
    messages: int
    accuracy: dict[str, Figure]
    macro_f1: Figure
    urgent: int
    urgent_recall: Figure


class RuntimeFigures(_Value):
    """A fresh process on this machine: seconds, MiB, milliseconds.

    Times are by the clock, `cpu` times are of the processor. Other work on the machine, of which
    `load` is the average number of waiting processes at the start, makes the former longer.
    """

    cold_start_s: list[float]
    cold_start_median_s: float
    cold_start_cpu_s: float
    resident_mib: float | None
    proportional_mib: float | None
    messages: int
    latency_median_ms: float
    latency_p99_ms: float
    latency_cpu_ms: float
    cores: int
    load: float


class Report(_Value):
    """What `report.json` holds."""

    created: str
    data: str
    data_sha256: str
    messages: int
    strict_messages: int
    versions: dict[str, str]
    thresholds: dict[str, float]
    settings: dict[str, str | int | float]
    systems: list[SystemFigures]
    comparisons: list[ComparisonFigures]
    slices: list[SliceFigures]
    runtime: RuntimeFigures | None
