"""Traces of requests through OpenTelemetry, where it is installed and a collector is named.

`OTEL_EXPORTER_OTLP_ENDPOINT` (or `…_TRACES_ENDPOINT`) turns it on; the other `OTEL_…` variables do
what OpenTelemetry says. A span holds route, status and request id, and never anything else that a
client sent: exceptions are not recorded, because their messages may quote a text.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.logs import operation

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer

_SERVICE: Final = "estation-triage"
_NAMED_BY: Final = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
# Probes would drown the rest.
_TRACED: Final = ("/v1/classify", "/v1/classify/batch")


def start_tracing() -> tuple[Tracer, Callable[[], None]] | None:
    """A tracer and what flushes it at the end; None where no collector is named or none can be."""
    if not any(os.environ.get(name) for name in _NAMED_BY):
        return None
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import SERVICE_NAME, Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ModuleNotFoundError as error:
        how = "pip install 'estation-triage[otel]', or unset OTEL_EXPORTER_OTLP_ENDPOINT"
        operation("no traces", level=logging.WARNING, missing=error.name, how=how)
        return None
    # A name in OTEL_SERVICE_NAME or OTEL_RESOURCE_ATTRIBUTES wins.
    named = {} if os.environ.get("OTEL_SERVICE_NAME") else {SERVICE_NAME: _SERVICE}
    provider = TracerProvider(resource=Resource.create(named))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider.get_tracer(_SERVICE), provider.shutdown


class Tracing:
    """A span for each request that classifies, child of the client's span where it names one."""

    def __init__(self, app: ASGIApp, tracer: Tracer) -> None:
        self._app, self._tracer = app, tracer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http" or scope["path"] not in _TRACED or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        from opentelemetry import propagate
        from opentelemetry.trace import SpanKind, StatusCode

        headers = Headers(scope=scope)
        carrier = {name: headers[name] for name in ("traceparent", "tracestate") if name in headers}
        with self._tracer.start_as_current_span(
            f"POST {scope['path']}",
            context=propagate.extract(carrier),
            kind=SpanKind.SERVER,
            attributes={"http.request.method": "POST", "http.route": scope["path"]},
            record_exception=False,
            set_status_on_exception=False,
        ) as span:

            async def send_and_note(message: Message) -> None:
                if message["type"] == "http.response.start":
                    span.set_attribute("http.response.status_code", message["status"])
                    span.set_attribute("triage.request_id", scope["state"]["request_id"])
                    if message["status"] >= 500:
                        span.set_status(StatusCode.ERROR)
                await send(message)

            await self._app(scope, receive, send_and_note)
            if code := scope.get("triage.code"):
                span.set_attribute("error.type", code)
