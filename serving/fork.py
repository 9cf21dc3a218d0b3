"""The fork server as the service sees it: started, asked for workers, ended."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from typing import Final

from serving.frames import FORK, HEAD, KILL, PID
from serving.launch import Launched, Spec, StartError
from serving.workers import Worker
from triage.types import Versions

_START_SECONDS: Final = 60.0
_FORK_SECONDS: Final = 5.0
# The largest answer that a worker may send.
_LIMIT: Final = 1 << 24


class ForkServer:
    """A process that has loaded a `Spec`; `versions` says what decides in its workers."""

    def __init__(self, launched: Launched, versions: Versions) -> None:
        self._launched, self.versions = launched, versions
        self._asking = asyncio.Lock()

    @classmethod
    async def start(cls, launched: Launched, spec: Spec) -> ForkServer:
        """Let it load `spec`, and wait until it has tested it.

        Raises:
            StartError: it could not.
        """
        control = launched.control
        launched.tell(spec)
        control.setblocking(False)
        try:
            async with asyncio.timeout(_START_SECONDS):
                (length,) = HEAD.unpack(await _receive(control, HEAD.size))
                told = json.loads(await _receive(control, length))
        except (TimeoutError, OSError):
            told = {"fault": {"code": "internal_error", "detail": "it ended or took too long"}}
        except BaseException:
            launched.end()
            raise
        if "versions" not in told:
            launched.end()
            raise StartError(told["fault"]["code"], told["fault"]["detail"])
        return cls(launched, Versions.model_validate(told["versions"]))

    async def worker(self) -> Worker:
        """A new worker.

        Raises:
            StartError: the fork server is not there any more, or cannot fork.
        """
        try:
            ours, theirs = socket.socketpair()
        except OSError as error:
            raise StartError("internal_error", f"no connection: {error.strerror}") from None
        control = self._launched.control
        try:
            async with self._asking, asyncio.timeout(_FORK_SECONDS):
                with theirs:
                    socket.send_fds(control, [FORK], [theirs.fileno()])
                (pid,) = PID.unpack(await _receive(control, PID.size))
        except (TimeoutError, OSError):
            ours.close()
            raise StartError("internal_error", "it cannot be forked") from None
        except BaseException:
            ours.close()
            raise
        reader, writer = await asyncio.open_connection(sock=ours, limit=_LIMIT)
        return Worker(self, pid, reader, writer)

    def kill(self, pid: int) -> None:
        """End the worker `pid` now, if it has not ended."""
        with contextlib.suppress(OSError):
            self._launched.control.send(KILL + PID.pack(pid))

    async def close(self) -> None:
        """End it; its workers end by themselves when their connections do."""
        self._launched.control.close()
        await asyncio.to_thread(self._launched.wait)


async def _receive(control: socket.socket, count: int) -> bytes:
    """Exactly `count` bytes.

    Raises:
        OSError: the other side has ended.
    """
    loop, parts = asyncio.get_running_loop(), b""
    while len(parts) < count:
        part = await loop.sock_recv(control, count - len(parts))
        if not part:
            raise ConnectionResetError
        parts += part
    return parts
