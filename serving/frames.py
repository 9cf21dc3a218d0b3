"""What passes between the service, its fork server and its workers: frames and commands.

A frame is its length in four bytes and then its bytes. Nothing else is imported here: it is the
first module that a start needs.
"""

from __future__ import annotations

import socket
import struct
from typing import Final

HEAD: Final = struct.Struct("!I")
# What a job begins with: whether it is one (or only asks for an answer), whether to explain, and
# the time of the monotonic clock, which all processes of a machine share, until which it is wanted.
JOB: Final = struct.Struct("!??d")
# What an answer begins with: the length of the summary before the body.
ANSWER: Final = struct.Struct("!I")

# Commands to the fork server, and what it answers the first with.
FORK: Final = b"f"
KILL: Final = b"k"
PID: Final = struct.Struct("!I")


def framed(*parts: bytes) -> bytes:
    """The frame of some parts together."""
    return b"".join((HEAD.pack(sum(map(len, parts))), *parts))


def receive(connection: socket.socket, count: int) -> bytes:
    """Exactly `count` bytes; none where the other side has gone."""
    parts, missing = [], count
    while missing:
        part = connection.recv(min(missing, 1 << 20))
        if not part:
            return b""
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)


def receive_frame(connection: socket.socket) -> bytes:
    """The next frame, without its length; empty where the other side has gone."""
    head = receive(connection, HEAD.size)
    return receive(connection, HEAD.unpack(head)[0]) if head else b""
