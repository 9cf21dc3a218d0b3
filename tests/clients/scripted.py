"""A server that answers what it was told to, and remembers what it was asked."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes = b"{}"
    retry_after: str | None = None


@dataclass
class Asked:
    at: float
    request_id: str
    key: str
    authorization: str | None
    timeout_ms: int
    body: bytes


@dataclass
class Script:
    """Answers in their order; the last one again and again."""

    url: str
    answers: list[Answer]
    asked: list[Asked] = field(default_factory=list)


@contextlib.contextmanager
def scripted(*answers: Answer) -> Iterator[Script]:
    script = Script("", list(answers))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            script.asked.append(
                Asked(
                    time.monotonic(),
                    self.headers["X-Request-ID"],
                    self.headers["Idempotency-Key"],
                    self.headers["Authorization"],
                    int(self.headers["X-Request-Timeout-Ms"]),
                    body,
                )
            )
            told = script.answers[min(len(script.asked), len(script.answers)) - 1]
            self.send_response(told.status)
            self.send_header("Content-Length", str(len(told.body)))
            if told.retry_after is not None:
                self.send_header("Retry-After", told.retry_after)
            self.end_headers()
            self.wfile.write(told.body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Nothing on stderr."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        script.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield script
        finally:
            server.shutdown()
            thread.join()
