"""A load generator in one process: keep-alive connections, closed or open loop, little overhead.

It waits on all sockets at once and reads no more of an answer than status, length and whether
there is a `Retry-After`, so that it takes little of the processors that the server needs too.
"""

from __future__ import annotations

import heapq
import selectors
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Final, NamedTuple

REFUSALS: Final = (503, 429)
BROKEN: Final = 0
"""In place of a status: the connection broke or no answer came."""
_HEAD_END: Final = b"\r\n\r\n"
_CHUNK: Final = 1 << 18


class Answer(NamedTuple):
    """When a request was due and was sent (seconds from the start), when it was answered, how."""

    due: float
    sent: float
    done: float
    status: int
    retry_after: bool


def milliseconds(answers: Sequence[Answer]) -> list[float]:
    """How long each answer took from when its request was sent."""
    return [1_000 * (answer.done - answer.sent) for answer in answers]


def good(answers: Sequence[Answer]) -> list[Answer]:
    """Those of status 200."""
    return [answer for answer in answers if answer.status == 200]


@dataclass(slots=True)
class Stream:
    """Requests of one kind, sent in turn.

    Without `rate`: closed loop, each of `connections` sends its next request when it has its
    answer, or `pause` seconds after a refusal. With it: open loop, so many a second at random
    times (Poisson), whatever becomes of those before, over at most `connections`; what finds none
    free counts as `unsent`.
    """

    name: str
    requests: Sequence[bytes]
    connections: int
    rate: float | None = None
    pause: float = 0.0
    answers: list[Answer] = field(default_factory=list)
    unsent: int = 0
    sent: int = 0


def request(path: str, body: bytes) -> bytes:
    """The bytes of a POST of JSON."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class _Connection:
    """One connection; `due` and `sent` are of the request that is under way."""

    __slots__ = ("due", "missing", "payload", "received", "resent", "sent", "socket", "stream")

    def __init__(self, stream: Stream, address: tuple[str, int]) -> None:
        self.stream = stream
        self.socket = socket.create_connection(address)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        self.received = b""
        self.payload = b""
        self.due = self.sent = 0.0
        self.resent = False

    def answer(self) -> tuple[int, bool, bool] | None:
        """Status, `Retry-After`, whether it is closed; None while part of the answer is missing."""
        end = self.received.find(_HEAD_END)
        if end < 0:
            return None
        head = self.received[:end].lower()
        at = head.find(b"\r\ncontent-length:")
        if at < 0:
            # In chunks: the last one is empty.
            if not self.received.endswith(b"0" + _HEAD_END):
                return None
        elif len(self.received) < end + 4 + int(head[at + 17 : at + 37].split(b"\r\n")[0]):
            return None
        status = int(head[9:12])
        return status, b"\r\nretry-after:" in head, b"\r\nconnection: close" in head


class Driver:
    """Sends the requests of some streams for a while and records every answer."""

    def __init__(self, address: tuple[str, int], streams: Sequence[Stream]) -> None:
        self._address, self._streams = address, streams
        self._draw = Random(1)
        self._selector = selectors.DefaultSelector()
        self._idle: dict[str, list[_Connection]] = {stream.name: [] for stream in streams}
        self._open = dict.fromkeys(self._idle, 0)
        # What is to be done later: when, a number that orders equals, for whom.
        self._later: list[tuple[float, int, Stream, _Connection | None]] = []
        self._number = 0
        self._busy = 0
        self._began = self._end = 0.0

    def run(self, seconds: float, grace: float = 30.0) -> None:
        """Send for `seconds`, then wait at most `grace` for what is still out.

        Answers later than the end are recorded too; the caller decides what counts.
        """
        for stream in self._streams:
            opened = [self._connect(stream) for _ in range(min(stream.connections, 512))]
            self._idle[stream.name] = opened
        self._began = time.perf_counter()
        self._end = seconds
        for stream in self._streams:
            if stream.rate is not None:
                self._at(self._draw.expovariate(stream.rate), stream, None)
                continue
            for connection in self._idle[stream.name]:
                self._send(connection, 0.0)
            self._idle[stream.name] = []
        self._loop(grace)
        for key in list(self._selector.get_map().values()):
            self._close(key.data)
        self._selector.close()

    def _now(self) -> float:
        return time.perf_counter() - self._began

    def _at(self, when: float, stream: Stream, connection: _Connection | None) -> None:
        self._number += 1
        heapq.heappush(self._later, (when, self._number, stream, connection))

    def _loop(self, grace: float) -> None:
        while True:
            now = self._now()
            while self._later and self._later[0][0] <= now:
                due, _, stream, connection = heapq.heappop(self._later)
                if due < self._end:
                    self._begin(due, stream, connection)
            if now >= self._end and (not self._busy or now >= self._end + grace):
                break
            wait = 0.05
            if self._later:
                wait = min(wait, max(0.0, self._later[0][0] - now))
            for key, _ in self._selector.select(wait):
                self._read(key.data)
        for key in self._selector.get_map().values():
            if key.data.payload:
                self._record(key.data, BROKEN, retry_after=False)

    def _begin(self, due: float, stream: Stream, connection: _Connection | None) -> None:
        if connection is None:
            assert stream.rate is not None
            self._at(due + self._draw.expovariate(stream.rate), stream, None)
            connection = self._free(stream)
            if connection is None:
                stream.unsent += 1
                return
        elif connection.socket.fileno() < 0:  # the server closed it in the pause
            connection = self._connect(stream)
        self._send(connection, due)

    def _free(self, stream: Stream) -> _Connection | None:
        idle = self._idle[stream.name]
        if idle:
            return idle.pop()
        return self._connect(stream) if self._open[stream.name] < stream.connections else None

    def _connect(self, stream: Stream) -> _Connection:
        connection = _Connection(stream, self._address)
        self._selector.register(connection.socket, selectors.EVENT_READ, connection)
        self._open[stream.name] += 1
        return connection

    def _close(self, connection: _Connection) -> None:
        self._selector.unregister(connection.socket)
        connection.socket.close()
        self._open[connection.stream.name] -= 1
        idle = self._idle[connection.stream.name]
        if connection in idle:
            idle.remove(connection)

    def _send(self, connection: _Connection, due: float) -> None:
        stream = connection.stream
        connection.payload = stream.requests[stream.sent % len(stream.requests)]
        stream.sent += 1
        connection.due, connection.sent, connection.resent = due, self._now(), False
        self._busy += 1
        try:
            connection.socket.sendall(connection.payload)
        except OSError:
            self._broken(connection)

    def _read(self, connection: _Connection) -> None:
        try:
            part = connection.socket.recv(_CHUNK)
        except OSError:
            part = b""
        if not part:
            self._broken(connection)
            return
        connection.received += part
        answer = connection.answer()
        if answer is None:
            return
        status, retry_after, closed = answer
        self._record(connection, status, retry_after=retry_after)
        if closed:
            self._close(connection)
            if connection.stream.rate is None:
                connection = self._connect(connection.stream)
        if connection.stream.rate is None:
            self._again(connection, status)
        elif not closed:
            self._idle[connection.stream.name].append(connection)

    def _again(self, connection: _Connection, status: int) -> None:
        now = self._now()
        if status in REFUSALS and connection.stream.pause:
            self._at(now + connection.stream.pause, connection.stream, connection)
        elif now < self._end:
            self._send(connection, now)

    def _record(self, connection: _Connection, status: int, *, retry_after: bool) -> None:
        times = connection.due, connection.sent, self._now()
        connection.stream.answers.append(Answer(*times, status, retry_after))
        connection.received = connection.payload = b""
        self._busy -= 1

    def _broken(self, connection: _Connection) -> None:
        """The server closed: while idle, it may; with a request unread, that is sent once more."""
        stream, payload = connection.stream, connection.payload
        self._close(connection)
        if not payload:
            return
        if connection.received or connection.resent:
            self._record(connection, BROKEN, retry_after=False)
            if stream.rate is None:
                self._again(self._connect(stream), BROKEN)
            return
        again = self._connect(stream)
        again.payload, again.due, again.sent = payload, connection.due, connection.sent
        again.resent = True
        try:
            again.socket.sendall(payload)
        except OSError:
            self._broken(again)
