"""Labelled messages out, for training and for Label Studio; Label Studio's annotations in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Annotated, Final

import anyio
from fastapi import APIRouter, Body, Query, Response
from starlette.responses import StreamingResponse

from serving.access import Exporting, Reviewing, StoreOf
from serving.exporting import MEDIA_TYPES, SUFFIXES, Export, ExportFormat
from serving.review_schemas import Class
from serving.reviewing import REFUSALS
from serving.store import labelstudio
from serving.store.exports import Wanted
from serving.store.importing import Imported, bring_in
from serving.store.labelstudio import Task
from triage.types import Timestamp

MOST_TASKS: Final = 1_000

router = APIRouter(prefix="/v1", tags=["exports"])


async def _streamed(export: Export) -> AsyncIterator[bytes]:
    """The bytes, each piece made in a thread; the end is noted even where the client has gone."""
    pieces = iter(export)
    try:
        while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
            yield piece
    finally:
        with anyio.CancelScope(shield=True):
            await asyncio.to_thread(export.close)


@router.get(
    "/exports",
    summary="导出已标注的留言",
    response_class=StreamingResponse,
    responses=REFUSALS | {200: {"content": {kind: {} for kind in MEDIA_TYPES.values()}}},
)
def export(
    store: StoreOf,
    actor: Exporting,
    form: Annotated[ExportFormat, Query(alias="format")] = ExportFormat.JSONL,
    since: Annotated[Timestamp | None, Query(description="Judged then or later.")] = None,
    until: Annotated[Timestamp | None, Query(description="Judged before.")] = None,
    department: Annotated[
        list[Class] | None, Query(max_length=5, description="With this label.")
    ] = None,
    unlabelled: Annotated[
        bool,
        Query(description="With label-studio: also what nobody has judged, to be annotated there."),
    ] = False,
) -> StreamingResponse:
    """All messages that people have judged, each with the label that holds, as a stream.

    JSON lines are what `make train` reads; Parquet has the same columns. Personal numbers are
    masked, unless the key may see them; what has been purged is left out. The export is in the
    audit chain.
    """
    with_open = unlabelled and form is ExportFormat.LABEL_STUDIO
    wanted = Wanted(since, until, frozenset(department or ()), with_open)
    made = Export(store, actor, wanted, form, masked=not actor.sees_personal)
    name = f"labelled-{datetime.now(UTC):%Y%m%d-%H%M%S}{SUFFIXES[form]}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return StreamingResponse(_streamed(made), headers=headers, media_type=MEDIA_TYPES[form])


@router.get(
    "/exports/label-studio.xml",
    summary="Label Studio 标注配置",
    response_class=Response,
    responses=REFUSALS | {200: {"content": {"application/xml": {}}}},
)
def configuration(_: Exporting) -> Response:
    """The labelling configuration of a Label Studio project that the exported tasks go into."""
    return Response(labelstudio.configuration(), media_type="application/xml")


@router.post("/imports/label-studio", summary="导入 Label Studio 的标注", responses=REFUSALS)
def import_tasks(
    store: StoreOf,
    actor: Reviewing,
    tasks: Annotated[list[Task], Body(min_length=1, max_length=MOST_TASKS)],
) -> Imported:
    """Record the last annotation of each task as a decision of who asks.

    The tasks are as Label Studio exports them (JSON), from those that this service exported. What
    somebody decided here meanwhile is not overwritten, but listed. The same tasks may be sent
    again.
    """
    return bring_in(store, actor, tasks, datetime.now(UTC))
