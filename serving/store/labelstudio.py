"""Label Studio: messages as its tasks, and what its people said as decisions.

https://labelstud.io/guide/tasks and https://labelstud.io/guide/export: a task has `data`, what the
machine said (`predictions`) and what people said (`annotations`), both as lists of results of the
controls that the labelling configuration names. A message is urgent where a reason is chosen.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable
from typing import Annotated, Any, Final
from xml.sax.saxutils import quoteattr

from pydantic import BaseModel, ConfigDict, Field, StrictBool

from serving.store.exports import Exported, Machine
from serving.store.labels import Label, LabelError
from triage.labels import CLASS_NAMES, NONE, REASON_NAMES
from triage.types import Number, Reason

_DEPARTMENT: Final = "department"
_REASONS: Final = "reasons"
_CLASSES: Final = {name: value for value, name in CLASS_NAMES.items()}
_REASON_OF: Final = {name: reason for reason, name in REASON_NAMES.items()}
_SPACE: Final = uuid.UUID("5f0f7f2e-6d43-5d0e-9f0c-3a6f3c1d7b52")


def configuration() -> str:
    """The labelling configuration that tasks and annotations go with."""

    def choices(name: str, kind: str, header: str, values: list[str], required: bool) -> str:
        listed = "\n".join(f"    <Choice value={quoteattr(value)}/>" for value in values)
        needed = ' required="true"' if required else ""
        return (
            f'  <Header value="{header}"/>\n'
            f'  <Choices name="{name}" toName="text" choice="{kind}"{needed}>\n{listed}\n'
            "  </Choices>"
        )

    return "\n".join(
        [
            "<View>",
            '  <Header value="$title"/>',
            '  <Text name="text" value="$text"/>',
            choices(_DEPARTMENT, "single", "部门", list(_CLASSES), required=True),
            choices(
                _REASONS, "multiple", "紧急原因（不紧急则不选）", list(_REASON_OF), required=False
            ),
            "</View>\n",
        ]
    )


def task(row: Exported, shown: Callable[[str], str]) -> dict[str, Any]:
    """A message as a task; `shown` makes of a text what may be told."""
    made = row.machine
    annotations = []
    if row.label is not None:
        annotations.append(
            {"result": _results(row.label), "lead_time": None, "was_cancelled": False}
        )
    return {
        "data": {
            "message_id": row.message_id,
            "version": row.item_version,
            "reference": row.reference,
            "title": shown(row.title) if row.title else "",
            "text": shown(row.text),
            "channel": row.channel,
            "received_at": row.received_at.isoformat(),
        },
        "meta": {
            "reviewer": row.reviewer,
            "reviewed_at": row.reviewed_at and row.reviewed_at.isoformat(),
            "version": row.version,
        },
        "predictions": [
            {
                "model_version": f"{made.model} {made.rulebook}",
                "score": made.confidence,
                "result": _results(_predicted(made)),
            }
        ],
        "annotations": annotations,
    }


def _predicted(made: Machine) -> Label:
    return Label(NONE, made.label.urgent, made.label.reasons) if made.asked else made.label


def _results(label: Label) -> list[dict[str, Any]]:
    chosen = [(_DEPARTMENT, [CLASS_NAMES[label.department]])]
    if label.reasons:
        chosen.append((_REASONS, [REASON_NAMES[reason] for reason in label.reasons]))
    return [
        {
            "id": name,
            "from_name": name,
            "to_name": "text",
            "type": "choices",
            "value": {"choices": values},
        }
        for name, values in chosen
    ]


class _Part(BaseModel):
    """Label Studio adds fields from release to release; those that are not needed are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class _Value(_Part):
    choices: Annotated[tuple[str, ...], Field(max_length=20)] = ()


class _Result(_Part):
    from_name: Annotated[str, Field(max_length=100)] = ""
    value: _Value = _Value()


class _Annotation(_Part):
    result: Annotated[tuple[_Result, ...], Field(max_length=100)] = ()
    was_cancelled: StrictBool = False


class _Data(_Part):
    message_id: Annotated[int, Field(ge=1, le=2**53), Number]
    version: Annotated[int, Field(ge=0, le=2**31 - 1), Number]


class Task(_Part):
    """A task as Label Studio exports it (JSON)."""

    data: _Data
    annotations: Annotated[tuple[_Annotation, ...], Field(max_length=100)] = ()

    def label(self) -> Label | None:
        """What its last annotation says; None where nobody annotated it.

        Raises:
            LabelError: it chooses what the configuration does not have, or no department.
        """
        given = [one for one in self.annotations if not one.was_cancelled]
        if not given:
            return None
        chosen = {one.from_name: one.value.choices for one in given[-1].result}
        departments = chosen.get(_DEPARTMENT, ())
        if len(departments) != 1:
            raise LabelError("must be one choice", _DEPARTMENT)
        department = _CLASSES.get(departments[0], departments[0])
        reasons = tuple(_reason(name) for name in chosen.get(_REASONS, ()))
        label = Label(department, bool(reasons), reasons)
        label.check()
        return label

    def verdict_id(self, actor: str, label: Label) -> str:
        """The id of the decision: the same where the same task comes again from the same actor."""
        told = f"{actor}\n{self.data.message_id}\n{self.data.version}\n{label}"
        return str(uuid.uuid5(_SPACE, hashlib.sha256(told.encode()).hexdigest()))


def _reason(name: str) -> Reason:
    try:
        return _REASON_OF.get(name) or Reason(name)
    except ValueError:
        raise LabelError("is none of the reasons", _REASONS) from None
