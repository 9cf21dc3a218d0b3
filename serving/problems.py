"""Errors as clients see them: RFC 9457 problem details with a stable code, in plain words.

A problem never holds what the client sent.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Match

from serving.logs import failure
from serving.store.errors import NotFoundError, StoreError
from triage.io.messages import Fault

Handler = Callable[[Request, Exception], Coroutine[Any, Any, Response]]
_NAME: Final = re.compile(r"[a-z_]{1,32}|[0-9]{1,6}")
MEDIA_TYPE: Final = "application/problem+json"
# Seconds after which a refused client should try again.
RETRY_AFTER: Final = "1"


class FieldError(BaseModel):
    """What is wrong with one field."""

    field: str = Field(examples=["messages[3].text"])
    detail: str = Field(examples=["is missing; it is required"])


class Problem(BaseModel):
    """RFC 9457 problem details. Programs go by `code`; it does not change."""

    model_config = ConfigDict(frozen=True)

    type: str = Field(description="Address of the list of codes, at this code.")
    title: str
    status: int
    detail: str = Field(description="What happened and what to do, in plain words.")
    code: str
    errors: tuple[FieldError, ...] = ()
    request_id: str | None = Field(description="The same as the header X-Request-ID.")


DESCRIBED: Final[dict[str, Any]] = {"model": Problem, "content": {MEDIA_TYPE: {}}}
"""How an operation describes that it answers with a problem."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of problem: what `/v1/problems` lists."""

    status: int
    title: str
    detail: str


KINDS: Final[dict[str, Kind]] = {
    "invalid_json": Kind(
        400, "The body is not valid JSON", "Send one JSON object, encoded as UTF-8."
    ),
    "unauthenticated": Kind(
        401, "Nobody knows who asks", "Log in, or send a valid key: Authorization: Bearer KEY."
    ),
    "forbidden": Kind(
        403, "This may not be done by who asks", "Ask the administrator for the role or the scope."
    ),
    "cross_site": Kind(
        403, "The request comes from another site", "Send it from a page of this service."
    ),
    "password_change": Kind(
        403, "The first password must be changed", "Choose a password of your own at /password."
    ),
    "too_many_requests": Kind(
        429, "More requests than this key may send", "Try again after Retry-After seconds."
    ),
    "not_found": Kind(404, "No such address", "Check the path; GET /docs lists all of them."),
    "method_not_allowed": Kind(
        405, "Wrong method", "Use a method that the Allow header of this answer names."
    ),
    "body_too_large": Kind(
        413, "The body is too large", "Send fewer messages in one request, or shorter ones."
    ),
    "unsupported_media_type": Kind(
        415, "The body is not declared as JSON", "Send the header Content-Type: application/json."
    ),
    "invalid_message": Kind(
        422, "The message cannot be classified", "Mend the fields named in errors, then send again."
    ),
    "invalid_batch": Kind(
        422, "The batch cannot be read", "Send an object with a list of messages, 1 to 256 of them."
    ),
    "invalid_body": Kind(
        422, "The body cannot be used", "Mend the fields named in errors, then send again."
    ),
    "invalid_parameter": Kind(
        422,
        "A query parameter is not valid",
        "Mend the parameter named in errors, or leave it out.",
    ),
    "changed_request": Kind(
        422,
        "The same id or Idempotency-Key was used for another message",
        "Send a new message under a new id and a new Idempotency-Key; send a message again as "
        "it was.",
    ),
    "duplicate": Kind(409, "It is there already", "Take another name."),
    "still_running": Kind(
        409, "The same request is still running", "Wait for its answer, or try again in a second."
    ),
    "storing_off": Kind(
        404, "Nothing is stored here", "Ask the operator to start the service with a database."
    ),
    "storing_failed": Kind(
        503, "The decision could not be stored", "Nothing was kept; try again in a few seconds."
    ),
    "precondition_required": Kind(
        428,
        "The version that was seen is not told",
        'Send the ETag of the message as the header If-Match, for example If-Match: "0".',
    ),
    "conflict": Kind(
        412,
        "Somebody else decided meanwhile",
        "Nothing was changed. Look at latest, then decide again on version, or leave it.",
    ),
    "invalid_account": Kind(
        422, "The account or key cannot be so", "Mend what errors names, then send again."
    ),
    "invalid_label": Kind(
        422,
        "No decision can be like this",
        "Name at least one reason where urgent is true, and none where it is false.",
    ),
    "reused_id": Kind(
        422,
        "The id belongs to another decision",
        "Make a new id for every decision; keep it only to send the same one again.",
    ),
    "internal_error": Kind(
        500, "The service failed", "Try again; if it stays, give the operator the request_id."
    ),
    "overloaded": Kind(
        503, "More work than the service can do in time", "Try again after Retry-After seconds."
    ),
    "deadline_exceeded": Kind(
        504,
        "Not done within the time that was allowed",
        "Try again later, or allow more time with X-Request-Timeout-Ms.",
    ),
    "not_ready": Kind(503, "The service is starting or stopping", "Try again in a few seconds."),
    "http_error": Kind(400, "The request was refused", "Check it against GET /docs."),
}
_BY_STATUS: Final = {404: "not_found", 405: "method_not_allowed"}


class ProblemError(Exception):
    """Raised where a request ends early; becomes a problem response."""

    def __init__(
        self,
        code: str,
        detail: str = "",
        faults: tuple[Fault, ...] = (),
        retry_after: int | None = None,
    ) -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail
        self.faults = faults
        self.retry_after = retry_after

    @classmethod
    def told(cls, summary: Mapping[str, object]) -> ProblemError:
        """The problem that a worker tells of: its `code` and, of a message, its `faults`."""
        given = cast("list[tuple[str, str]]", summary.get("faults", []))
        return cls(str(summary["code"]), faults=tuple(Fault(*fault) for fault in given))

    def problem(self, request_id: str | None) -> Problem:
        """The problem details."""
        kind = KINDS[self.code]
        return Problem(
            type=f"/v1/problems#{self.code}",
            title=kind.title,
            status=kind.status,
            detail=self.detail or kind.detail,
            code=self.code,
            errors=tuple(FieldError(field=f.field, detail=f.detail) for f in self.faults),
            request_id=request_id,
        )

    def response(
        self, request_id: str | None, *, headers: Mapping[str, str] | None = None
    ) -> Response:
        """The response to send."""
        problem = self.problem(request_id)
        extra = dict(headers or {})
        if self.retry_after is not None:
            extra["Retry-After"] = str(self.retry_after)
        elif problem.status == 503:
            extra["Retry-After"] = RETRY_AFTER
        return Response(
            problem.model_dump_json(), problem.status, headers=extra, media_type=MEDIA_TYPE
        )


async def on_problem(request: Request, error: Exception) -> Response:
    """Exception handler for `ProblemError`."""
    assert isinstance(error, ProblemError)
    request.scope["triage.code"] = error.code
    return error.response(request.state.request_id)


def on_http_exception(routes: Sequence[BaseRoute]) -> Handler:
    """Exception handler for the framework's own refusals (404, 405) of `routes`.

    The framework allows what the first route of a path does; another may do more.
    """

    async def handle(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        problem = ProblemError(_BY_STATUS.get(error.status_code, "http_error"))
        request.scope["triage.code"] = problem.code
        headers = dict(error.headers or {})
        if error.status_code == 405:
            fit = (r for r in routes if r.matches(request.scope)[0] is not Match.NONE)
            methods = {m for route in fit for m in getattr(route, "methods", None) or ()}
            headers["Allow"] = ", ".join(sorted(methods)) or headers.get("Allow", "")
        return problem.response(request.state.request_id, headers=headers)

    return handle


async def on_invalid_request(request: Request, error: Exception) -> Response:
    """Exception handler for what the framework found wrong; it would quote the values."""
    assert isinstance(error, RequestValidationError)
    found = error.errors()
    in_body = any(one["loc"][:1] == ("body",) for one in found)
    faults = tuple(Fault(_where(one["loc"]), str(one["msg"]).lower()) for one in found)
    code = "invalid_json" if any(one["type"] == "json_invalid" for one in found) else ""
    problem = ProblemError(code or ("invalid_body" if in_body else "invalid_parameter"), "", faults)
    return await on_problem(request, problem)


def _where(loc: Sequence[object]) -> str:
    """The field; a name that nobody here chose may be a citizen's words."""
    names = [str(part) for part in loc[1:]]
    plain = (name if _NAME.fullmatch(name) else "(unknown)" for name in names)
    return ".".join(plain) or "body"


async def on_store_error(request: Request, error: Exception) -> Response:
    """Exception handler for a database that cannot be used now."""
    assert isinstance(error, StoreError)
    if isinstance(error, NotFoundError):
        return await on_problem(
            request, ProblemError("not_found", "It does not exist, or not for you.")
        )
    failure("the store failed", error, request_id=request.state.request_id)
    return await on_problem(request, ProblemError("storing_failed"))
