"""The one place where the service is put together."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from serving import api
from serving.api import State
from serving.docs import TITLE, add_docs, release
from serving.door import Door
from serving.launch import FACTORY, Launched, StartError
from serving.metrics import Metrics
from serving.middleware import BodyLimit, RequestContext
from serving.problems import ProblemError, on_http_exception, on_problem
from serving.service import Service
from serving.settings import Settings
from serving.tracing import Tracing, start_tracing

_HOT = ("POST", "/v1/classify")
_PATHS = frozenset(
    ("/v1/classify", "/v1/classify/batch", "/v1/departments", "/v1/problems", "/livez", "/readyz",
     "/metrics", "/docs", "/openapi.json")
)  # fmt: skip


class _App(FastAPI):
    """Answers the call that matters beside the framework's own layers, by the same function.

    They cost as much as all else that the front does for a message.
    """

    direct: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] == "http" and (scope["method"], scope["path"]) == _HOT:
            await self.direct(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


async def _classify(scope: Scope, receive: Receive, send: Send) -> None:
    request = Request(scope, receive, send)
    try:
        response = await api.classify(request)
    except ProblemError as problem:
        response = await on_problem(request, problem)
    await response(scope, receive, send)


def create_app(
    settings: Settings,
    factory: str = FACTORY,
    on_fault: Callable[[StartError], None] | None = None,
    launched: Launched | None = None,
) -> FastAPI:
    """The application; its workers load what `factory` makes of the bundle and the rulebook.

    The lifespan starts them in the background: `/livez` answers at once, `/readyz` when they are
    ready. `on_fault` hears why the first ones did not start. `launched` is their fork server.
    """
    metrics, traces = Metrics(), start_tracing()

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[State]:
        service = Service(settings, metrics, factory)
        starting = asyncio.create_task(service.run(launched, on_fault))
        yield State(service=service, metrics=metrics, settings=settings)
        starting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await starting
        await service.close()
        if traces:
            await asyncio.to_thread(traces[1])

    around = [
        *([Middleware(Tracing, tracer=traces[0])] if traces else []),
        Middleware(RequestContext, metrics=metrics, paths=_PATHS),
        Middleware(BodyLimit, limit=settings.max_body_bytes),
    ]
    app = _App(
        title=TITLE,
        version=release(),
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        # The framework's telemetry records exception messages, which may quote a text.
        telemetry={"logs": False, "tracing": False, "metrics": False, "auto_configure": False},
        middleware=around,
        exception_handlers={ProblemError: on_problem, HTTPException: on_http_exception},
    )
    app.direct = _classify
    for cls, args, kwargs in reversed(around):
        app.direct = cls(app.direct, *args, **kwargs)
    app.direct = Door(app.direct, metrics, _HOT[1])
    app.include_router(api.router)
    if settings.docs:
        add_docs(app)
    return app
