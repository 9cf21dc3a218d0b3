"""The door: what cannot be done in time is refused before it costs anything.

Under ten times its load a service refuses nine requests for each that it answers, so a refusal must
cost a small part of an answer: its bytes are ready but for the request id, and refusals are counted
one by one but logged once a second.
"""

from __future__ import annotations

import logging
import time
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from serving.logs import operation
from serving.metrics import Metrics
from serving.middleware import HEADERS, request_id_of
from serving.problems import MEDIA_TYPE, RETRY_AFTER, ProblemError
from serving.service import Service

_ID: Final = "-the-id-"
_LOG_SECONDS: Final = 1.0


class Door:
    """Lets requests of `route` in to `app`, or refuses them."""

    def __init__(self, app: ASGIApp, metrics: Metrics, route: str) -> None:
        self._app = app
        self._requests = metrics.requests.labels(route, "503")
        self._refusals = metrics.refusals.labels("overloaded")
        problem = ProblemError("overloaded").problem(_ID).model_dump_json()
        self._before, self._after = (part.encode() for part in problem.split(_ID))
        self._refused, self._logged = 0, 0.0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        service: Service = scope["state"]["service"]
        if not service.is_full:
            await self._app(scope, receive, send)
            return
        request_id = request_id_of(scope).encode()
        body = self._before + request_id + self._after
        headers = [
            (b"content-type", MEDIA_TYPE.encode()),
            (b"content-length", str(len(body)).encode()),
            (b"retry-after", RETRY_AFTER.encode()),
            (b"x-request-id", request_id),
            *HEADERS,
        ]
        await send({"type": "http.response.start", "status": 503, "headers": headers})
        await send({"type": "http.response.body", "body": body})
        self._requests.inc()
        self._refusals.inc()
        self._log()

    def _log(self) -> None:
        self._refused += 1
        now = time.monotonic()
        if now - self._logged >= _LOG_SECONDS:
            operation("overloaded", level=logging.WARNING, refused=self._refused)
            self._refused, self._logged = 0, now
