"""The process that loads what decides, once, and forks the workers from it.

A worker is then there in milliseconds, shares the memory of model and rules with the others, and
has the very version that they have, whatever became of the files. No thread runs when it forks: all
libraries are loaded with one thread each.

The service talks to it over a socket: it hears a `Spec` in a frame, says `{"versions": …}` or
`{"fault": …}` in another, then takes commands of one byte. `FORK` comes with the socket of the new
worker and is answered by its process id; `KILL` comes with such an id. Only the parent of a process
can know that an id is still its own, so it is the parent that ends it.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import signal
import socket
import sys
from typing import TYPE_CHECKING, Any, cast

from serving.frames import FORK, KILL, PID, framed, receive, receive_frame
from serving.logs import places
from serving.worker import serve
from triage.errors import TriageError

if TYPE_CHECKING:
    from serving.worker import Classifier


def _serve_and_end(connection: socket.socket, classifier: Classifier) -> None:
    """What a forked process does; it never comes back to what its parent was doing."""
    status = 1
    try:
        # Where the service has gone, nobody is left to tell.
        with contextlib.suppress(ConnectionError):
            serve(connection, classifier)
        status = 0
    finally:
        os._exit(status)


def breed(control: socket.socket, classifier: Classifier) -> None:
    """Fork and end workers as told, until the service closes the connection.

    Workers that are left then end with their own connections.
    """
    # What was loaded is never garbage: a collection would only copy its pages for every worker.
    gc.collect()
    gc.freeze()
    children: set[int] = set()
    while True:
        command, descriptors, _, _ = socket.recv_fds(control, 1, 1)
        for pid in list(children):
            if os.waitpid(pid, os.WNOHANG)[0]:
                children.remove(pid)
        if command == FORK:
            pid = os.fork()
            if not pid:
                control.close()
                _serve_and_end(socket.socket(fileno=descriptors[0]), classifier)
            os.close(descriptors[0])
            children.add(pid)
            control.sendall(PID.pack(pid))
        elif command == KILL:
            (pid,) = PID.unpack(receive(control, PID.size))
            if pid in children:
                os.kill(pid, signal.SIGKILL)
        else:
            return


def main(descriptor: int, preloaded: str = "") -> None:
    """Import `preloaded`, hear what to load, load and test it, tell, then `breed`."""
    # The service ends its workers by closing their connection, after they are done.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    if preloaded:
        importlib.import_module(preloaded)
    control = socket.socket(fileno=descriptor)
    frame = receive_frame(control)
    if not frame:
        return
    spec: dict[str, Any] = json.loads(frame)
    os.nice(spec["nice"])
    module, name = spec["factory"].split(":")
    told: dict[str, object]
    classifier: Classifier | None = None
    try:
        make = getattr(importlib.import_module(module), name)
        classifier = cast("Classifier", make(spec["bundle"] or None, spec["rulebook"] or None))
        classifier.warm_up()
        told = {"versions": classifier.versions.model_dump()}
    except TriageError as error:
        told = {"fault": {"code": error.code, "detail": str(error)}}
    except Exception as error:
        failed = places(error.__traceback__)
        detail = f"{type(error).__name__} at {failed[-1:]}"
        told = {"fault": {"code": "internal_error", "detail": detail}}
    with contextlib.suppress(ConnectionError):
        control.sendall(framed(json.dumps(told).encode()))
        if "versions" in told and classifier is not None:
            breed(control, classifier)


if __name__ == "__main__":
    main(int(sys.argv[1]), *sys.argv[2:])
