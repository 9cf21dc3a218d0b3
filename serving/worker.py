"""A worker: one process that classifies one message at a time and answers over a socket.

The service talks to it in frames: four bytes of length, then the frame. A worker that dies takes
nothing with it but the message it was at, which another worker then does.
"""

from __future__ import annotations

import json
import socket
import time
from pathlib import Path
from typing import Never, Protocol

from serving.frames import ANSWER, JOB, framed, receive_frame
from serving.logs import places
from triage.errors import InvalidMessageError
from triage.io.messages import faults_of, message_from
from triage.types import Decision, Message, Versions


class Classifier(Protocol):
    """What a worker needs of a pipeline."""

    @property
    def versions(self) -> Versions:
        """What decides."""
        ...

    def warm_up(self) -> None:
        """Load all that would make the first answer slow, and test it."""
        ...

    def classify(self, message: Message, *, explain: bool = False) -> Decision:
        """Decide; with `explain`, say which clauses the encoder leaned on, which takes longer.

        Raises:
            InvalidMessageError: the message cannot be classified.
        """
        ...


def load(bundle: str | None, rulebook: str | None) -> Classifier:
    """The pipeline of a bundle and a rulebook; without paths the embedded ones.

    Raises:
        BundleError, RulebookError: one of them cannot be used; the error says why.
    """
    from triage.pipeline import Pipeline

    # One thread each: processes use the cores without waiting for each other's slices.
    return Pipeline.load(
        Path(bundle) if bundle else None, Path(rulebook) if rulebook else None, threads=1
    )


def _refuse_constant(_: str) -> Never:
    raise ValueError


def parse_json(body: bytes) -> object:
    """The JSON value of a body.

    Raises:
        ValueError, RecursionError: the body is no JSON.
    """
    value: object = json.loads(body.decode("utf-8-sig"), parse_constant=_refuse_constant)
    return value


def _summary(decision: Decision, parsing: float, classifying: float) -> dict[str, object]:
    """What the metrics count of a decision, so that the service need not read the answer."""
    return {
        "department": decision.department.value,
        "urgent": decision.urgent,
        "reasons": [reason.value for reason in decision.urgency.reasons],
        "review": [cause.value for cause in decision.review_reasons],
        "truncated": decision.truncated,
        "confidence": max(decision.probabilities.values()),
        "parse": parsing,
        "classify": classifying,
    }


def answer(
    classifier: Classifier, body: bytes, *, explain: bool
) -> tuple[dict[str, object], bytes]:
    """Summary and body of the answer to one message; a refusal has its `code` in the summary.

    Nothing that went wrong is quoted: an exception's message may hold what a citizen wrote.
    """
    began = time.perf_counter()
    try:
        value = parse_json(body)
    except (ValueError, RecursionError):
        return {"code": "invalid_json"}, b""
    try:
        message = message_from(value)
        parsed = time.perf_counter()
        decision = classifier.classify(message, explain=explain)
        made = decision.model_dump_json().encode()
    except InvalidMessageError as error:
        faults = [[fault.field, fault.detail] for fault in faults_of(error)]
        return {"code": "invalid_message", "faults": faults}, b""
    except Exception as error:  # one message must not end the worker
        failed = {"exception": type(error).__name__, "at": places(error.__traceback__)}
        return {"code": "internal_error", **failed}, b""
    return _summary(decision, parsed - began, time.perf_counter() - parsed), made


def serve(connection: socket.socket, classifier: Classifier) -> None:
    """Answer jobs, in their order, until the service closes the connection."""
    while frame := receive_frame(connection):
        is_job, explain, deadline = JOB.unpack_from(frame)
        summary: dict[str, object] = {}
        body = b""
        if is_job and time.monotonic() >= deadline:
            summary = {"code": "deadline_exceeded"}
        elif is_job:
            summary, body = answer(classifier, frame[JOB.size :], explain=explain)
        told = json.dumps(summary).encode()
        connection.sendall(framed(ANSWER.pack(len(told)), told, body))
