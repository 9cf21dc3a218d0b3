"""The figures of a report: frozen values that become `report.json`. None holds a message's text."""

from __future__ import annotations

from eval.budget import BudgetFigures
from eval.costs import RuntimeFigures
from eval.values import Figure, IntervalFigures, Value


class ClassFigures(Value):
    """Precision, recall, F1 and the number of messages of one class."""

    precision: float
    recall: float
    f1: float
    support: int


class DepartmentFigures(Value):
    """Routing to departments. `confusion`: rows truth, columns choice, last column no answer."""

    messages: int
    macro_f1: IntervalFigures
    accuracy: float
    lenient_macro_f1: float
    lenient_accuracy: float
    coverage: float
    classes: dict[str, ClassFigures]
    confusion: list[list[int]]


class CalibrationFigures(Value):
    """`ece` over bins of equal mass: count, mean confidence and accuracy of each."""

    ece: Figure
    count: list[int]
    confidence: list[float]
    accuracy: list[float]


class ReasonFigures(Value):
    """Of the messages urgent for one reason: the share flagged at all, and for that reason."""

    support: int
    flagged: Figure
    named: Figure


class UrgentFigures(Value):
    """Finding the urgent. Threshold figures are of the system's own flag."""

    messages: int
    flag: ClassFigures
    lenient_flag: ClassFigures
    average_precision: Figure
    precision_at_recall_90: Figure
    reasons: dict[str, ReasonFigures]


class CurveFigures(Value):
    """Risk against coverage, thinned; `coverage_at_95` is the most that is right 95 % of times."""

    coverage: list[float]
    risk: list[float]
    coverage_at_95: float


class RoutedFigures(Value):
    """Messages that go out without a person: their share of all and how many are right."""

    coverage: float
    accuracy: IntervalFigures
    lenient_accuracy: Figure
    messages: int


class NothingFigures(Value):
    """Messages with nothing to handle: how many there are, and how many were noticed."""

    support: int
    recall: float
    false_alarms: int


class SetFigures(Value):
    """Sets of departments that cannot be ruled out, on the messages of the strict figures.

    `coverage`: the share of sets that hold the right department. `singletons`: the share of sets
    of one department.
    """

    messages: int
    coverage: IntervalFigures
    mean_size: float
    singletons: float


class SystemFigures(Value):
    """Everything about one system; None where it does not decide such a thing."""

    name: str
    label: str
    departments: DepartmentFigures
    calibration: CalibrationFigures
    urgent: UrgentFigures
    curve: CurveFigures
    routed: RoutedFigures | None
    nothing: NothingFigures | None
    sets: SetFigures | None


class ComparisonFigures(Value):
    """A `system` against an `other`, on the same messages.

    `gain`: difference of macro-F1, paired bootstrap. `better`, `worse`: messages that only the
    system or only the other has right; `p` of the exact McNemar test on them.
    """

    system: str
    other: str
    gain: IntervalFigures
    better: int
    worse: int
    p: float


class SliceFigures(Value):
    """One part of the messages; `accuracy` by system. None where there is nothing to count."""

    group: str
    value: str
    messages: int
    accuracy: dict[str, Figure]
    macro_f1: Figure
    urgent: int
    urgent_recall: Figure


class ConvertedFigures(Value):
    """The shipped decision on the same messages converted to traditional characters by OpenCC.

    `same_department`, `same_urgency`: share with an equal answer among the `changed`, those that
    the conversion alters. Both `macro_f1` are on the messages of the strict figures.
    """

    messages: int
    changed: int
    same_department: Figure
    same_urgency: Figure
    macro_f1: float
    macro_f1_as_received: float


class Report(Value):
    """What `report.json` holds; `files` are the bundle's, in bytes."""

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
    converted: ConvertedFigures | None
    files: dict[str, int]
    runtime: RuntimeFigures | None
    budget: list[BudgetFigures]
