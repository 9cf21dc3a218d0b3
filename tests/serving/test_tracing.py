"""Traces reach a collector, and nothing that a citizen wrote is in them. With a real exporter."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.serving.process import serving_fakes, until

SECRET = "绝不能外传的一句话"
TRACE = "0af7651916cd43dd8448eb211c80319c"


class Collector(ThreadingHTTPServer):
    """Keeps what is sent to it."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.bodies: list[bytes] = []


class _Handler(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        zipped = self.headers.get("content-encoding") == "gzip"
        self.server.bodies.append(gzip.decompress(body) if zipped else body)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def collector() -> Iterator[Collector]:
    server = Collector()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_request_becomes_a_span_of_the_clients_trace_without_its_text(
    collector: Collector,
) -> None:
    endpoint = f"http://127.0.0.1:{collector.server_address[1]}"
    with serving_fakes("plain", OTEL_EXPORTER_OTLP_ENDPOINT=endpoint) as server:
        server.client.post(
            "/v1/classify",
            json={"text": SECRET},
            headers={"traceparent": f"00-{TRACE}-b7ad6b7169203331-01", "X-Request-ID": "abc-1"},
        )
        server.client.post("/v1/classify", content=SECRET.encode())
        server.client.get("/readyz")
        # What waits to be sent is sent before the service ends.
        server.stop()
    until(lambda: bool(collector.bodies))
    spans = [
        span
        for body in collector.bodies
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]
    assert [span.name for span in spans] == ["POST /v1/classify"] * 2
    said = {item.key: item.value for item in spans[0].attributes}
    assert spans[0].trace_id.hex() == TRACE
    assert said["http.response.status_code"].int_value == 200
    assert said["triage.request_id"].string_value == "abc-1"
    assert all(SECRET.encode() not in body for body in collector.bodies)
