"""A decision as one row of a table, for CSV, XLSX and Parquet. One list says all columns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from triage.io.rows import Cell, Outcome, RowError
from triage.labels import DEPARTMENT_NAMES, DEPARTMENTS, REASON_NAMES, REVIEW_REASON_NAMES
from triage.types import Decision, Department, Message

_OfDecision = Callable[[Decision], Cell]


def _set(decision: Decision, separator: str, name: Callable[[Department], str]) -> str | None:
    chosen = decision.department_set
    return None if chosen is None else separator.join(map(name, chosen))


_DECISION: Final[tuple[tuple[str, type[str | float | bool], _OfDecision], ...]] = (
    ("department", str, lambda d: d.department.value),
    ("department_name", str, lambda d: DEPARTMENT_NAMES[d.department]),
    ("second", str, lambda d: d.second.value if d.second else None),
    *(
        (f"p_{name.value}", float, lambda d, name=name: d.probabilities[name])
        for name in DEPARTMENTS
    ),
    ("department_set", str, lambda d: _set(d, ";", str)),
    ("department_set_names", str, lambda d: _set(d, "；", DEPARTMENT_NAMES.__getitem__)),
    ("urgent", bool, lambda d: d.urgent),
    ("urgency_score", float, lambda d: d.urgency.score),
    ("urgency_reasons", str, lambda d: ";".join(r.value for r in d.urgency.reasons)),
    ("urgency_reason_names", str, lambda d: "；".join(REASON_NAMES[r] for r in d.urgency.reasons)),
    ("needs_review", bool, lambda d: d.needs_review),
    ("review_reasons", str, lambda d: ";".join(r.value for r in d.review_reasons)),
    (
        "review_reason_names",
        str,
        lambda d: "；".join(REVIEW_REASON_NAMES[r] for r in d.review_reasons),
    ),
    ("evidence", str, lambda d: "；".join(dict.fromkeys(e.text for e in d.evidence))),
    ("truncated", bool, lambda d: d.truncated),
    ("model", str, lambda d: d.versions.model),
    ("rulebook", str, lambda d: d.versions.rulebook),
    ("normaliser", str, lambda d: d.versions.normaliser),
)

COLUMNS: Final[dict[str, type[str | int | float | bool]]] = {
    "row": int,
    "id": str,
    **{name: kind for name, kind, _ in _DECISION},
    "error_code": str,
    "error_detail": str,
}


def columns(*, with_text: bool) -> dict[str, type[str | int | float | bool]]:
    """Names and types of the columns; `with_text` puts the message beside its decision."""
    if not with_text:
        return COLUMNS
    return {"row": int, "id": str, "title": str, "text": str} | COLUMNS


def cells(outcome: Outcome, *, with_text: bool) -> dict[str, Cell]:
    """The row of one outcome, in the order of `columns`; absent values are None."""
    row: dict[str, Cell] = dict.fromkeys(columns(with_text=with_text))
    row["row"], row["id"] = outcome.row.number, outcome.row.id
    content, result = outcome.row.content, outcome.result
    if with_text and isinstance(content, Message):
        row["title"], row["text"] = content.title, content.text
    if isinstance(result, RowError):
        row["error_code"], row["error_detail"] = result.code, result.detail
    else:
        row |= {name: value(result) for name, _, value in _DECISION}
    return row
