"""Start the fork server's process. First of all, so that it loads while the web framework does."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
from dataclasses import asdict, dataclass
from typing import Final

from serving.frames import framed

FACTORY: Final = "serving.worker:load"
_PRELOADED: Final = "triage.pipeline"
_END_SECONDS: Final = 5.0


class StartError(Exception):
    """Workers did not start: `code` and `detail` say why."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(code)
        self.code, self.detail = code, detail


@dataclass(frozen=True, slots=True)
class Spec:
    """What workers load: `factory` is `module:function` of bundle and rulebook ("": embedded).

    `nice` lowers their priority: whoever is at the door must not wait for those at work.
    """

    bundle: str = ""
    rulebook: str = ""
    factory: str = FACTORY
    nice: int = 5


@dataclass(slots=True)
class Launched:
    """A fork server that waits to hear what to load, what to talk to it by, what it was told."""

    process: subprocess.Popen[bytes]
    control: socket.socket
    told: Spec | None = None

    def tell(self, spec: Spec) -> None:
        """Let it load `spec`, once; where it has ended, `ForkServer.start` finds out."""
        if self.told is None:
            self.told = spec
            with contextlib.suppress(OSError):
                self.control.sendall(framed(json.dumps(asdict(spec)).encode()))

    def wait(self) -> None:
        """Let it end by itself; where it does not, end it."""
        try:
            self.process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self.end()

    def end(self) -> None:
        """End it now."""
        self.control.close()
        self.process.kill()
        self.process.wait()


def launch(spec: Spec | None = None) -> Launched:
    """Start the process, for `spec` where it is known already.

    Until it is told, it imports what every bundle needs.

    Raises:
        StartError: there can be no more processes.
    """
    try:
        ours, theirs = socket.socketpair()
    except OSError as error:
        raise StartError("internal_error", f"no connection: {error.strerror}") from None
    # Modules come from where the service's own do, never from the working directory.
    path = os.pathsep.join(place or os.getcwd() for place in sys.path)  # noqa: PTH109
    words = [sys.executable, "-P", "-m", "serving.forkserver", str(theirs.fileno())]
    if spec is None or spec.factory == FACTORY:
        words.append(_PRELOADED)
    with theirs:
        try:
            process = subprocess.Popen(  # noqa: S603
                words,
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                # A process with more than one thread cannot well be forked, and more threads than
                # cores would only wait for each other.
                env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": path},
            )
        except OSError as error:
            ours.close()
            raise StartError("internal_error", f"no process: {error.strerror}") from None
    return Launched(process, ours)
