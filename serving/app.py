"""The one place where the service is put together."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware

from serving import api
from serving.api import State
from serving.docs import TITLE, add_docs, release
from serving.metrics import Metrics
from serving.middleware import BodyLimit, RequestContext
from serving.problems import ProblemError, on_http_exception, on_problem
from serving.service import Classifier, Service
from serving.settings import Settings

_PATHS = frozenset(
    ("/v1/classify", "/v1/classify/batch", "/v1/departments", "/v1/problems", "/livez", "/readyz",
     "/metrics", "/docs", "/openapi.json")
)  # fmt: skip


def load_classifier(settings: Settings) -> Classifier:
    """The pipeline that the settings name.

    Raises:
        BundleError, RulebookError: one of them cannot be used; the error says why.
    """
    from triage.pipeline import Pipeline

    # One message runs on one core: several at a time use the others, without waiting for each
    # other's slices.
    return Pipeline.load(settings.bundle, settings.rulebook, threads=1)


def create_app(settings: Settings, classifier: Classifier | None = None) -> FastAPI:
    """The application; without a `classifier` it loads the one that the settings name.

    The lifespan warms the classifier up in the background: `/livez` answers at once, `/readyz`
    when it is done.
    """
    metrics = Metrics()

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[State]:
        loaded = classifier
        if loaded is None:
            loaded = await asyncio.to_thread(load_classifier, settings)
        service = Service(loaded, metrics, settings.threads)
        warming = asyncio.create_task(service.warm_up())
        yield State(service=service, metrics=metrics, settings=settings)
        warming.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await warming
        await asyncio.to_thread(service.close)

    app = FastAPI(
        title=TITLE,
        version=release(),
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        # The framework's telemetry records exception messages, which may quote a text.
        telemetry={"logs": False, "tracing": False, "metrics": False, "auto_configure": False},
        middleware=[
            Middleware(RequestContext, metrics=metrics, paths=_PATHS),
            Middleware(BodyLimit, limit=settings.max_body_bytes),
        ],
        exception_handlers={ProblemError: on_problem, HTTPException: on_http_exception},
    )
    app.include_router(api.router)
    if settings.docs:
        add_docs(app)
    return app
