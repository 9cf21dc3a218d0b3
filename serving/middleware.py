"""What surrounds every request: its id, the limit of its body, its log line, the last resort.

Pure ASGI, so that bodies are limited while they stream in and nothing is buffered twice.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
import uuid
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.logs import failure, operation
from serving.metrics import Metrics
from serving.problems import ProblemError

_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
_QUIET: Final = ("/livez", "/readyz", "/metrics")
_METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
OTHER: Final = "(other)"


HEADERS: Final = ((b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff"))
"""What every answer has."""


def request_id_of(scope: Scope) -> str:
    """The client's id where it is harmless, else a new one."""
    for name, value in scope["headers"]:
        if name == b"x-request-id":
            given: str = value.decode("latin-1")
            if _REQUEST_ID.fullmatch(given):
                return given
    return uuid.uuid4().hex


class RequestContext:
    """Gives each request an id, answers for what nobody caught, logs and counts the outcome.

    `paths` are those that are answered beside the framework; the others are known by their routes,
    and what has none is logged as `(other)`.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics, paths: frozenset[str]) -> None:
        self._app = app
        self._metrics = metrics
        self._paths = paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        request_id = scope.setdefault("state", {})["request_id"] = request_id_of(scope)
        status = 0

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["x-request-id"] = request_id
                for name, value in HEADERS:
                    headers.setdefault(name.decode(), value.decode())
            await send(message)

        try:
            await self._app(scope, receive, send_with_headers)
        except ClientDisconnect:
            status = 499  # nobody is there to read an answer
        except asyncio.CancelledError:
            if status:
                raise
            # The time to stop is over: the server ends what still runs.
            scope["triage.code"] = "not_ready"
            await ProblemError("not_ready").response(request_id)(scope, receive, send_with_headers)
        except Exception as error:
            failure("request failed", error, request_id=request_id)
            scope["triage.code"] = "internal_error"
            if not status:
                response = ProblemError("internal_error").response(request_id)
                await response(scope, receive, send_with_headers)
            else:
                raise  # half an answer is out: the server must break the connection
        finally:
            self._record(scope, request_id, status, time.perf_counter() - began)

    def _record(self, scope: Scope, request_id: str, status: int, seconds: float) -> None:
        # A route's template, never what was asked for: a client may have put words there.
        route = getattr(scope.get("route"), "path", None)
        path = route or (scope["path"] if scope["path"] in self._paths else OTHER)
        self._metrics.requests.labels(path, str(status)).inc()
        if path.startswith("/v1/classify"):
            self._metrics.stages.labels("request").observe(seconds)
        if code := scope.get("triage.code"):
            self._metrics.refusals.labels(code).inc()
        operation(
            "request",
            level=logging.DEBUG if path in _QUIET else logging.INFO,
            method=scope["method"] if scope["method"] in _METHODS else OTHER,
            path=path,
            status=status,
            ms=round(seconds * 1000, 1),
            request_id=request_id,
        )


class BodyLimit:
    """Refuses a body over `limit` bytes: by its declared length, else while it comes in."""

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        detail = f"A body may have {self._limit:,} bytes. Send fewer or shorter messages."
        too_large = ProblemError("body_too_large", detail)
        declared = Headers(scope=scope).get("content-length", "")
        if declared.isdecimal() and (len(declared) > 18 or int(declared) > self._limit):
            scope["triage.code"] = too_large.code
            await too_large.response(scope["state"]["request_id"])(scope, receive, send)
            return
        seen = 0

        async def limited() -> Message:
            nonlocal seen
            message = await receive()
            if message["type"] == "http.request":
                seen += len(message.get("body", b""))
                if seen > self._limit:
                    raise too_large
            return message

        await self._app(scope, limited, send)
