"""The one place where the service is put together."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from serving import (
    accounts_api,
    api,
    entrance,
    exports_api,
    hot_api,
    messages_api,
    reviews_api,
    statistics_api,
)
from serving.access import Keyring
from serving.api import State
from serving.desk import Desk
from serving.docs import TITLE, add_docs, release
from serving.door import Door
from serving.launch import FACTORY, Launched, StartError
from serving.metrics import Metrics
from serving.middleware import BodyLimit, RequestContext
from serving.pages import routes as pages
from serving.problems import (
    ProblemError,
    on_http_exception,
    on_invalid_request,
    on_problem,
    on_store_error,
)
from serving.recorder import Recorder
from serving.service import Service
from serving.settings import Settings
from serving.sketcher import Sketcher
from serving.store.errors import StoreError
from serving.store.opening import Store
from serving.tracing import Tracing, start_tracing

_HOT = ("POST", "/v1/classify")
_ROUTERS = (
    api.router,
    accounts_api.router,
    entrance.router,
    reviews_api.router,
    messages_api.router,
    hot_api.router,
    exports_api.router,
    statistics_api.router,
    pages.router,
)


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
    store: Store | None = None,
) -> FastAPI:
    """The application; its workers load what `factory` makes of the bundle and the rulebook.

    The lifespan starts them in the background: `/livez` answers at once, `/readyz` when they are
    ready. `on_fault` hears why the first ones did not start. `launched` is their fork server.
    With a `store`, decisions are kept and there are pages; it is closed at the end.
    """
    metrics, traces = Metrics(), start_tracing()

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[State]:
        service = Service(settings, metrics, factory)
        recorder = Recorder(store, metrics) if store else None
        keyring = Keyring(store) if store else None
        tasks = [asyncio.create_task(service.run(launched, on_fault))]
        if store and recorder:
            tasks.append(asyncio.create_task(recorder.run()))
            tasks.append(asyncio.create_task(Sketcher(store.database).run()))
        yield State(
            desk=Desk(service, recorder, metrics, settings.max_batch),
            service=service,
            metrics=metrics,
            settings=settings,
            store=store,
            keyring=keyring,
        )
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await service.close()
        if store:
            store.close()
        if traces:
            await asyncio.to_thread(traces[1])

    around = [
        *([Middleware(Tracing, tracer=traces[0])] if traces else []),
        Middleware(RequestContext, metrics=metrics, paths=frozenset({_HOT[1]})),
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
        exception_handlers={
            ProblemError: on_problem,
            HTTPException: on_http_exception([r for each in _ROUTERS for r in each.routes]),
            RequestValidationError: on_invalid_request,
            StoreError: on_store_error,
        },
    )
    app.direct = _classify
    for cls, args, kwargs in reversed(around):
        app.direct = cls(app.direct, *args, **kwargs)
    app.direct = Door(app.direct, metrics, _HOT[1])
    for router in _ROUTERS:
        app.include_router(router)
    if settings.docs:
        add_docs(app)
    return app
