"""Clients that send messages all along, and keep what became of each."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass

import httpx2

from tests.serving.process import PATIENCE, until


@dataclass(frozen=True)
class Sent:
    """One request; `status` is 0 where the connection ended before an answer."""

    request_id: str
    message: int
    status: int
    body: bytes


class Load:
    """`clients` threads that send `messages` one after the other, until the end of the block."""

    def __init__(self, url: str, messages: Sequence[dict[str, str]], clients: int = 6) -> None:
        self._url, self._messages = url, messages
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._send, args=(n,)) for n in range(clients)]
        self.sent: list[Sent] = []

    def _send(self, client_number: int) -> None:
        headers = {"x-request-id": ""}
        with httpx2.Client(base_url=self._url, timeout=PATIENCE) as client:
            number = 0
            while not self._over.is_set():
                which = (client_number * 7 + number) % len(self._messages)
                headers["x-request-id"] = f"load-{client_number}-{number}"
                try:
                    answer = client.post(
                        "/v1/classify", json=self._messages[which], headers=headers
                    )
                    status, body = answer.status_code, answer.content
                except httpx2.TransportError:
                    status, body = 0, b""
                self.sent.append(Sent(headers["x-request-id"], which, status, body))
                number += 1
                if not status:
                    return

    def more(self, count: int) -> None:
        """Wait until so many more have been answered."""
        wanted = len(self.sent) + count
        until(lambda: len(self.sent) >= wanted)

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()
