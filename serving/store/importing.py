"""Decisions that were made elsewhere, brought in: one transaction each, none overwrites unseen."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from pydantic import BaseModel, ConfigDict

from serving.store import items, reviews
from serving.store.actors import Actor
from serving.store.errors import NotFoundError
from serving.store.labels import Label, LabelError
from serving.store.labelstudio import Task
from serving.store.opening import Store
from serving.store.reviews import ConflictError, ReusedError, Verdict


class Refused(BaseModel):
    """A task that was not taken: its place in what was sent, from 0, and why."""

    model_config = ConfigDict(frozen=True)

    task: int
    message_id: int
    code: str
    detail: str


class Imported(BaseModel):
    """What became of the tasks. `unchanged`: the label holds already; `empty`: no annotation."""

    model_config = ConfigDict(frozen=True)

    recorded: int
    unchanged: int
    empty: int
    refused: tuple[Refused, ...]


def bring_in(store: Store, actor: Actor, tasks: Sequence[Task], now: datetime) -> Imported:
    """Record what the tasks' annotations say; the same tasks sent again record nothing twice."""
    counted = {"recorded": 0, "unchanged": 0, "empty": 0}
    refused = []
    for place, task in enumerate(tasks):
        try:
            counted[_one(store, actor, task, now)] += 1
        except LabelError as error:
            refused.append(_refused(place, task, error.code, f"{error.field} {error}"))
        except ConflictError as error:
            refused.append(_refused(place, task, error.code, f"it is at version {error.version}"))
        except (NotFoundError, ReusedError) as error:
            refused.append(_refused(place, task, error.code, str(error)))
    return Imported(**counted, refused=tuple(refused))


def _one(store: Store, actor: Actor, task: Task, now: datetime) -> str:
    label = task.label()
    if label is None:
        return "empty"
    number = task.data.message_id
    with store.database.write() as connection:
        item = items.load(connection, actor, number, now)
        if _has(item, label):
            return "unchanged"
        verdict = Verdict(task.verdict_id(actor.name, label), label)
        version = task.data.version
        after = reviews.decide(connection, store.audit, actor, number, version, verdict, now)
        if after <= item.version:
            # It was brought in before, and somebody has said something else since.
            raise ConflictError("it was changed meanwhile", item.version, None)
    return "recorded"


def _has(item: items.Item, label: Label) -> bool:
    return item.done and item.label == label


def _refused(place: int, task: Task, code: str, detail: str) -> Refused:
    return Refused(task=place, message_id=task.data.message_id, code=code, detail=detail)
