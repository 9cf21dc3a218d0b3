"""`python -m eval.bench.load`: the load generator as a process of its own.

What to send comes as JSON on standard input, every answer goes out as JSON.
"""

from __future__ import annotations

import gc
import json
import subprocess
import sys
import time
from pathlib import Path

from eval.bench.driver import Answer, Driver, Stream, request
from eval.values import Value


class Sending(Value):
    """A stream: bodies, one a line of the file, go to `path`; see `driver.Stream`."""

    name: str
    path: str
    bodies: str
    connections: int
    rate: float | None = None
    pause: float = 0.0


class Job(Value):
    """What a load generator is to do: streams to a port of this machine, for so many seconds."""

    port: int
    seconds: float
    grace: float = 30.0
    streams: list[Sending]


class Sent(Value):
    """What became of a stream."""

    answers: list[Answer]
    unsent: int


class Report(Value):
    """What became of all streams, and the processor time that sending them took."""

    streams: dict[str, Sent]
    cpu_s: float


class LoadFailedError(RuntimeError):
    """The load generator did not end well, as when the server is gone."""


def send(job: Job) -> Report:
    """Run a load generator process to its end.

    Raises:
        LoadFailedError: it failed.
    """
    done = subprocess.run(
        [sys.executable, "-m", "eval.bench.load"],
        input=job.model_dump_json(),
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        raise LoadFailedError("the load generator failed; see its error above")
    return Report.model_validate_json(done.stdout)


def _stream(sending: Sending) -> Stream:
    lines = Path(sending.bodies).read_bytes().splitlines()
    return Stream(
        sending.name,
        [request(sending.path, line) for line in lines],
        sending.connections,
        sending.rate,
        sending.pause,
    )


def main() -> None:
    """Do the job of standard input."""
    job = Job.model_validate_json(sys.stdin.read())
    streams = [_stream(sending) for sending in job.streams]
    driver = Driver(("127.0.0.1", job.port), streams)
    # Hundreds of thousands of answers are kept: looking through them would only make pauses.
    gc.disable()
    before = time.process_time()
    driver.run(job.seconds, job.grace)
    cpu = time.process_time() - before
    sent = {stream.name: {"answers": stream.answers, "unsent": stream.unsent} for stream in streams}
    json.dump({"streams": sent, "cpu_s": cpu}, sys.stdout)


if __name__ == "__main__":
    main()
