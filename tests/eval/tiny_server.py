"""`python tiny_server.py PORT`: answers, refuses, breaks off, as the path says."""

from __future__ import annotations

import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Head and body leave at once: else each answer waits for an acknowledgement.
    wbufsize = -1

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/break":
            self.close_connection = True
            return
        body = b'{"label": "civil"}'
        self.send_response({"/busy": 503, "/wrong": 500}.get(self.path, 200))
        if self.path == "/busy":
            self.send_header("Retry-After", "1")
        if self.path == "/close":
            self.send_header("Connection", "close")
        if self.path == "/chunks":
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(b"12\r\n" + body + b"\r\n0\r\n\r\n")
        else:
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, *_: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    request_queue_size = 256


if __name__ == "__main__":
    Server(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
