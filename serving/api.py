"""The addresses of the service. Bodies are read and checked here, not by the framework, so that
nothing of a message can reach its errors, logs or traces."""

from __future__ import annotations

import re
from functools import partial
from typing import Final, TypedDict

from fastapi import APIRouter, Request, Response

from serving.access import Keyring
from serving.desk import Desk
from serving.metrics import CONTENT_TYPE, Metrics
from serving.problems import DESCRIBED, ProblemError
from serving.schemas import (
    BatchResults,
    Labels,
    ProblemKind,
    Readiness,
    Status,
    labels,
    problem_kinds,
)
from serving.service import Asked, Service
from serving.settings import Settings
from serving.store.actors import ANONYMOUS, Permission
from serving.store.opening import Store
from triage.io.messages import Fault
from triage.types import Decision

_JSON: Final = re.compile(
    r"application/(?:[a-z0-9.!#$&^_-]+\+)?json\s*(?:;\s*charset=\"?utf-?8\"?\s*)?;?\s*",
    re.IGNORECASE,
)
_MILLISECONDS: Final = re.compile(r"[1-9][0-9]{0,4}|[1-5][0-9]{5}|600000", re.ASCII)
_IDEMPOTENCY_KEY: Final = re.compile(r"[!-~]{1,128}")
_REFUSALS: Final[dict[int | str, dict[str, object]]] = {
    400: {"description": "`invalid_json`", **DESCRIBED},
    401: {"description": "`unauthenticated`", **DESCRIBED},
    403: {"description": "`forbidden`", **DESCRIBED},
    409: {"description": "`still_running`", **DESCRIBED},
    413: {"description": "`body_too_large`", **DESCRIBED},
    415: {"description": "`unsupported_media_type`", **DESCRIBED},
    422: {
        "description": "`invalid_message`, `invalid_batch`, `invalid_parameter` or "
        "`changed_request`",
        **DESCRIBED,
    },
    429: {"description": "`too_many_requests`", **DESCRIBED},
    500: {"description": "`internal_error`", **DESCRIBED},
    503: {"description": "`not_ready`, `overloaded` or `storing_failed`", **DESCRIBED},
    504: {"description": "`deadline_exceeded`", **DESCRIBED},
}

# Described by hand, because it is read by hand: the framework would quote a wrong value.
_EXPLAIN: Final = {
    "parameters": [
        {
            "name": "explain",
            "in": "query",
            "description": "`true`: the clauses in `evidence` (`source: model`) are those that the "
            "encoder leaned on, found by leaving each out in turn; `weight` is how much its log "
            "probability of the department falls. Takes up to 25 times as long. Nothing else of "
            "the decision changes.",
            "schema": {"type": "boolean", "default": False},
        },
        {
            "name": "X-Request-Timeout-Ms",
            "in": "header",
            "description": "Milliseconds that the answer may take; work that is late is not done.",
            "schema": {"type": "integer", "minimum": 1, "maximum": 600_000, "default": 10_000},
        },
        {
            "name": "Idempotency-Key",
            "in": "header",
            "description": "The same key (or the same `id` of the message) within 24 hours gives "
            "the same answer and one record, where decisions are stored. The entries of a batch "
            "are told apart by their place.",
            "schema": {"type": "string", "pattern": "^[!-~]{1,128}$"},
        },
    ]
}

router = APIRouter()


class State(TypedDict):
    """What the lifespan yields, and each request's id."""

    desk: Desk
    service: Service
    store: Store | None
    keyring: Keyring | None
    metrics: Metrics
    settings: Settings


async def _json_body(request: Request) -> bytes:
    if not _JSON.fullmatch(request.headers.get("content-type", "").strip()):
        raise ProblemError("unsupported_media_type")
    if not _service(request).pool.ready:
        raise ProblemError("not_ready")
    return await request.body()


def _service(request: Request) -> Service:
    service: Service = request.state.service
    return service


def _explain(request: Request) -> bool:
    given = request.query_params.getlist("explain") or ["false"]
    if given not in (["true"], ["false"]):
        fault = Fault("explain", "must be true or false, once")
        raise ProblemError("invalid_parameter", faults=(fault,))
    return given == ["true"]


def _seconds(request: Request) -> float:
    given = request.headers.get("x-request-timeout-ms")
    if given is None:
        limit: float = request.state.settings.request_seconds
        return limit
    if not _MILLISECONDS.fullmatch(given):
        fault = Fault("X-Request-Timeout-Ms", "must be a whole number from 1 to 600000")
        raise ProblemError("invalid_parameter", faults=(fault,))
    return int(given) / 1000


async def _gone(request: Request) -> None:
    """Ends when the client does not wait any more; the body must have been read."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _key(request: Request) -> str | None:
    given = request.headers.get("idempotency-key")
    if given is not None and not _IDEMPOTENCY_KEY.fullmatch(given):
        fault = Fault("Idempotency-Key", "must be 1 to 128 visible ASCII characters")
        raise ProblemError("invalid_parameter", faults=(fault,))
    return given


async def _caller(request: Request) -> str:
    keyring: Keyring | None = request.state.keyring
    actor = await keyring.called(request.headers) if keyring else ANONYMOUS
    if not actor.may(Permission.CLASSIFY):
        raise ProblemError("forbidden")
    return actor.name


async def _given(request: Request) -> tuple[bytes, Asked]:
    caller = await _caller(request)
    body = await _json_body(request)
    asked = Asked(
        seconds=_seconds(request),
        gone=partial(_gone, request),
        request_id=request.state.request_id,
        explain=_explain(request),
        caller=caller,
        key=_key(request),
    )
    return body, asked


def _desk(request: Request) -> Desk:
    desk: Desk = request.state.desk
    return desk


@router.post(
    "/v1/classify",
    tags=["classify"],
    summary="一条留言：部门、紧急程度与依据",
    response_model=Decision,
    responses=_REFUSALS,
    openapi_extra=_EXPLAIN,
)
async def classify(request: Request) -> Response:
    """Decide which department handles one message, and whether it is urgent.

    The same text with the same versions always gives the same bytes. Offsets in `evidence` count
    Unicode code points of the text as it was sent, half-open. Attachments are kept as references
    and never fetched. Where decisions are stored, `Location` is where the message is found.
    """
    answer, number = await _desk(request).one(*await _given(request))
    headers = {"Location": f"/v1/messages/{number}"} if number else None
    return Response(answer, headers=headers, media_type="application/json")


@router.post(
    "/v1/classify/batch",
    tags=["classify"],
    summary="一批留言：逐条给出决定或错误",
    response_model=BatchResults,
    responses=_REFUSALS,
    openapi_extra=_EXPLAIN,
)
async def classify_batch(request: Request) -> Response:
    """Decide 1 to 256 messages. Results come in the order of the messages.

    A message that cannot be classified gets a problem in its place; the others are not affected.
    """
    answer = await _desk(request).batch(*await _given(request))
    return Response(answer, media_type="application/json")


@router.get("/v1/departments", tags=["labels"], summary="部门、紧急理由、复核理由及其中文名称")
async def departments() -> Labels:
    """Everything a decision may name, with Chinese names."""
    return labels()


@router.get("/v1/problems", tags=["labels"], summary="错误代码")
async def problems() -> list[ProblemKind]:
    """All error codes, what they mean and what to do; they do not change."""
    return problem_kinds()


@router.get("/livez", tags=["operation"], summary="进程存活")
async def livez() -> Status:
    """Answers while the process lives, loaded or not."""
    return Status(status="alive")


@router.get(
    "/readyz",
    tags=["operation"],
    summary="可以接受留言",
    responses={503: {"description": "`not_ready`", **DESCRIBED}},
)
async def readyz(request: Request) -> Readiness:
    """Yes while at least one worker can answer; `degraded` while another is being replaced."""
    service = _service(request)
    pool = service.pool
    if not pool.ready:
        raise ProblemError("not_ready")
    whole = pool.ready >= pool.size
    return Readiness(
        status="ready" if whole else "degraded",
        ready=pool.ready,
        wanted=pool.size,
        change_refused=service.live.refused or None,
    )


@router.get("/metrics", tags=["operation"], summary="Prometheus 指标", response_class=Response)
async def metrics(request: Request) -> Response:
    """Metrics in the Prometheus text format."""
    registered: Metrics = request.state.metrics
    return Response(registered.exposition(), media_type=CONTENT_TYPE)
