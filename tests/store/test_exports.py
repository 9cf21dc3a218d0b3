"""What goes out: the label that holds, once a message, as training reads it, masked."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from sqlalchemy import select, update

from serving.exporting import COLUMNS, Export, ExportFormat
from serving.store import exports
from serving.store.actors import COMMAND, Actor
from serving.store.exports import Wanted
from serving.store.importing import bring_in
from serving.store.labelstudio import Task
from serving.store.opening import Store
from serving.store.tables import audit, messages
from tests.store.people import (
    CIVIL,
    LEAD,
    LI,
    NOTHING,
    NOW,
    URGENT,
    WANG,
    ZHAO,
    judged,
    seen,
    taken_back,
)
from tests.store.records import AT, stored
from training.data import read_uncached
from triage.labels import CLASSES, REASONS
from triage.types import Reason

PHONE = "13812345678"
WAGES = f"欠我三万元工资不还，我的电话{PHONE}"
DUST = "工地扬尘很大，孩子咳嗽"
ALL = Wanted()


def exported(
    store: Store,
    wanted: Wanted = ALL,
    form: ExportFormat = ExportFormat.JSONL,
    *,
    actor: Actor = COMMAND,
    masked: bool = True,
) -> bytes:
    return b"".join(Export(store, actor, wanted, form, masked=masked))


def rows(store: Store, wanted: Wanted = ALL, **given: Any) -> list[dict[str, Any]]:
    return [json.loads(line) for line in exported(store, wanted, **given).splitlines()]


def noted(store: Store) -> list[tuple[str, dict[str, Any]]]:
    with store.database.read() as connection:
        found = connection.execute(select(audit).where(audit.c.action.like("export%")))
        return [(row.action, json.loads(row.detail)) for row in found]


def test_a_correction_is_read_by_training(store: Store, tmp_path: Path) -> None:
    wages, dust, quiet, open_still = stored(store, WAGES, DUST, "谢谢你们的工作", "还没有人看过")
    judged(store, LI, wages, 0, URGENT)
    judged(store, WANG, dust, 0, CIVIL, note=f"打{PHONE}问过")
    judged(store, LI, quiet, 0, NOTHING)
    path = tmp_path / "train.jsonl"
    path.write_bytes(exported(store))
    first, second, third = read_uncached(path)
    assert (first.id, CLASSES[first.label], first.urgent) == (str(wages), "civil", True)
    assert [r for r, on in zip(REASONS, first.reasons, strict=True) if on] == [Reason.LIVELIHOOD]
    assert first.body.original == WAGES.replace(PHONE, "138••••5678")
    assert (CLASSES[second.label], CLASSES[third.label]) == ("civil", "none")
    assert {first.sure, first.second, first.contested} == {3, None, False}
    told = rows(store)[1]
    assert tuple(told) == COLUMNS
    assert (told["reviewer"], told["version"], told["kind"]) == ("user:wang", 1, "correct")
    assert told["reviewed_at"] == NOW.isoformat()
    assert told["machine_department"] == "public_interest"
    assert (told["model"], told["rulebook"]) == ("fake@1+00000000", "fake@1+0000")
    assert PHONE not in exported(store).decode()
    assert str(open_still) not in {row["id"] for row in rows(store)}


def test_the_label_that_holds_goes_out_once(store: Store) -> None:
    (number,) = stored(store, DUST)
    judged(store, WANG, number, 0, CIVIL)
    last = judged(store, LEAD, number, 1, NOTHING, now=NOW + timedelta(minutes=1))
    (row,) = rows(store)
    assert (row["department"], row["version"], row["reviewer"]) == ("none", 2, "user:chen")
    taken_back(store, LEAD, last)
    (row,) = rows(store)
    assert (row["department"], row["version"], row["reviewer"]) == ("civil", 1, "user:wang")
    again = judged(store, WANG, number, 3, URGENT)
    assert rows(store)[0]["version"] == 4
    taken_back(store, WANG, again)
    assert rows(store)[0]["version"] == 1


def test_what_was_taken_back_altogether_has_no_label(store: Store) -> None:
    (number,) = stored(store, DUST)
    taken_back(store, WANG, judged(store, WANG, number, 0, CIVIL))
    assert rows(store) == []


def test_pages_are_whole_and_in_order(store: Store) -> None:
    numbers = stored(store, *(f"第{n}件事，欠钱不还" for n in range(12)))
    for number in numbers[::2]:
        judged(store, LI, number, 0, CIVIL)
    found = list(exports.pages(store.database, COMMAND, Wanted(), size=2))
    assert [[row.message_id for row in page] for page in found] == [
        list(numbers[at : at + 3 : 2]) for at in (0, 4, 8)
    ]


def test_filters(store: Store) -> None:
    early, late, quiet = stored(store, WAGES, "另一件欠款", "谢谢")
    judged(store, LI, early, 0, CIVIL)
    judged(store, LI, late, 0, URGENT, now=NOW + timedelta(days=1))
    judged(store, LI, quiet, 0, NOTHING)

    def ids(**given: Any) -> list[int]:
        return [int(row["id"]) for row in rows(store, Wanted(**given))]

    assert ids() == [early, late, quiet]
    assert ids(since=NOW + timedelta(hours=1)) == [late]
    assert ids(until=NOW + timedelta(hours=1)) == [early, quiet]
    assert ids(classes=frozenset({"none"})) == [quiet]
    assert ids(classes=frozenset({"civil"})) == [early, late]
    assert ids(classes=frozenset({"civil", "none"})) == [early, late, quiet]
    assert ids(classes=frozenset({"complaints"})) == []


def test_it_is_for_those_who_may_see_the_messages(store: Store) -> None:
    (number,) = stored(store, WAGES)
    judged(store, LI, number, 0, CIVIL)
    assert rows(store, actor=ZHAO) == []
    assert len(rows(store, actor=LI)) == 1


def test_unmasked_only_where_asked(store: Store) -> None:
    (number,) = stored(store, WAGES, title=f"回电{PHONE}")
    judged(store, LI, number, 0, CIVIL)
    (row,) = rows(store, masked=False)
    assert (row["text"], row["title"]) == (WAGES, f"回电{PHONE}")
    assert rows(store)[0]["title"] == "回电138••••5678"


def test_purged_messages_are_left_out(store: Store) -> None:
    kept, gone = stored(store, WAGES, WAGES)
    for number in (kept, gone):
        judged(store, LI, number, 0, CIVIL)
    with store.database.write() as connection:
        connection.execute(update(messages).where(messages.c.id == gone).values(text=None))
    assert [row["id"] for row in rows(store)] == [str(kept)]


def test_parquet_holds_the_same(store: Store, tmp_path: Path) -> None:
    for number in stored(store, WAGES, DUST):
        judged(store, LEAD, number, 0, URGENT)
    path = tmp_path / "labelled.parquet"
    path.write_bytes(exported(store, form=ExportFormat.PARQUET))
    assert pq.read_table(path).to_pylist() == rows(store)
    path.write_bytes(exported(store, Wanted(since=NOW + timedelta(1)), ExportFormat.PARQUET))
    assert pq.read_table(path).num_rows == 0


def test_an_export_is_in_the_audit_chain(store: Store) -> None:
    (number,) = stored(store, WAGES)
    judged(store, LI, number, 0, CIVIL)
    wanted = Wanted(since=AT, classes=frozenset({"civil"}))
    exported(store, wanted)
    about = {"since": AT.isoformat(), "department": "civil", "format": "jsonl", "masked": True}
    assert noted(store) == [("export", about), ("export_end", {"messages": 1, "whole": True})]
    given_up = Export(store, COMMAND, Wanted(), ExportFormat.JSONL, masked=True)
    next(iter(given_up))
    given_up.close()
    assert noted(store)[-1] == ("export_end", {"messages": 1, "whole": False})


def tasks(store: Store, *, unlabelled: bool = True) -> list[dict[str, Any]]:
    told = exported(store, Wanted(unlabelled=unlabelled), ExportFormat.LABEL_STUDIO)
    found: list[dict[str, Any]] = json.loads(told)
    return found


def annotated(task: dict[str, Any], department: str, *reasons: str) -> dict[str, Any]:
    """The task as Label Studio gives it back."""
    results = [
        {"from_name": name, "to_name": "text", "type": "choices", "value": {"choices": list(given)}}
        for name, given in (("department", [department]), ("reasons", reasons))
        if given
    ]
    made = {"id": 7, "completed_by": 1, "result": results, "was_cancelled": False, "draft": []}
    return task | {"id": 99, "inner_id": 1, "annotations": [*task["annotations"], made]}


def brought_in(store: Store, given: list[dict[str, Any]], actor: Actor = LEAD) -> Any:
    return bring_in(store, actor, [Task.model_validate(task) for task in given], NOW)


def test_label_studio_there_and_back(store: Store) -> None:
    wages, dust, judged_before = stored(store, WAGES, DUST, "账户被冻结了")
    judged(store, LI, judged_before, 0, URGENT)
    first, second, third = tasks(store)
    assert first["data"]["text"] == WAGES.replace(PHONE, "138••••5678")
    assert first["annotations"] == []
    assert third["annotations"][0]["result"][0]["value"]["choices"] == ["民事检察"]
    assert third["annotations"][0]["result"][1]["value"]["choices"] == ["生计无着"]
    assert second["predictions"][0]["result"][0]["value"]["choices"] == ["公益诉讼检察"]
    given = [annotated(first, "控告申诉检察", "期限将至"), annotated(second, "none"), third]
    done = brought_in(store, given)
    assert (done.recorded, done.unchanged, done.empty, done.refused) == (2, 1, 0, ())
    assert seen(store, LEAD, wages).label.reasons == (Reason.DEADLINE,)
    assert seen(store, LEAD, wages).reviewer == "user:chen"
    assert seen(store, LEAD, dust).label == NOTHING
    again = brought_in(store, given)
    assert (again.recorded, again.unchanged) == (0, 3)
    assert len(tasks(store, unlabelled=False)) == 3


def test_label_studio_overwrites_nothing(store: Store) -> None:
    wages, dust = stored(store, WAGES, DUST)
    given = [annotated(task, "行政检察") for task in tasks(store)]
    judged(store, LI, wages, 0, URGENT)
    broken = annotated(tasks(store)[1], "刑事检察")
    done = brought_in(store, [*given, broken, tasks(store)[1]], LI)
    assert (done.recorded, done.empty) == (0, 1)
    refused = [(one.task, one.message_id, one.code) for one in done.refused]
    assert refused == [(0, wages, "conflict"), (1, dust, "not_found"), (2, dust, "invalid_label")]
    assert seen(store, LEAD, wages).label == URGENT


def test_label_studio_does_not_say_recorded_of_what_was_taken_back(store: Store) -> None:
    (number,) = stored(store, "工地扬尘扰民")
    (task,) = tasks(store)
    given = [annotated(task, "民事检察")]
    assert brought_in(store, given).recorded == 1
    taken_back(store, LEAD, seen(store, LEAD, number).history[0].id)
    again = brought_in(store, given)
    assert (again.recorded, again.refused[0].code) == (0, "conflict")
    assert not seen(store, LEAD, number).done


def test_an_empty_export_is_a_list(store: Store) -> None:
    assert tasks(store) == []


@pytest.mark.parametrize("choice", [[], ["民事检察", "行政检察"]])
def test_one_department_must_be_chosen(store: Store, choice: list[str]) -> None:
    stored(store, WAGES)
    (task,) = tasks(store)
    given = annotated(task, "民事检察")
    given["annotations"][0]["result"][0]["value"]["choices"] = choice
    assert [one.code for one in brought_in(store, [given]).refused] == ["invalid_label"]
