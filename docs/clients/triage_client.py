"""Ask the triage service about messages that wait in files. Standard library, Python 3.9 or newer.

    python triage_client.py spool/waiting/*.json

Every file holds one message as JSON. It moves to `spool/routed/DEPARTMENT/` or, where the decision
needs a person or there is none, to `spool/person/`; the decision lies beside it. A file that was
not settled stays where it is: run again. Nothing of a message or a decision is printed.

Environment: TRIAGE_URL, TRIAGE_API_KEY, TRIAGE_SPOOL, TRIAGE_TIMEOUT_MS (all attempts together).
"""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import random
import re
import sys
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

DEPARTMENTS = ("civil", "administrative", "public_interest", "complaints")
# 503: a full queue or a service that starts; 502: the same in the words of a proxy; 409: an attempt
# whose line was cut is still running there; 429: this program asks too often.
TRY_AGAIN = (409, 429, 502, 503)


@dataclass(frozen=True)
class Outcome:
    """`department`: who gets the message without a person looking first; None: a person must.

    `decision` is the service's answer, where there was one, `why` a short reason for the log.
    """

    department: str | None
    decision: bytes | None
    why: str


class Client:
    """Asks the service at `url`; all attempts at one message take at most `seconds`."""

    def __init__(self, url: str, *, seconds: float = 10.0, api_key: str = "") -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("the address must begin with http:// or https:// and name a host")
        secure = parts.scheme == "https"
        self._connection = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        self._host, self._port = parts.hostname, parts.port
        self._path = parts.path.rstrip("/") + "/v1/classify"
        self._seconds = seconds
        self._authorization = {"Authorization": f"Bearer {api_key}"} if api_key else {}

    def classify(self, message: bytes, request_id: str, key: str) -> Outcome:
        """What to do with `message`, which is JSON. Never raises for the network or the service.

        `key` names the message: asked again under it within a day, it is stored once.
        """
        deadline = time.monotonic() + self._seconds
        pause = 0.2
        why = "unreachable"
        while (left := deadline - time.monotonic()) > 0:
            try:
                status, retry_after, answer = self._post(message, request_id, key, left)
            except (OSError, http.client.HTTPException):
                retry_after, why = 0.0, "unreachable"
            else:
                if status == 200:
                    return _decided(answer)
                why = f"status_{status}"
                if status not in TRY_AGAIN:
                    break  # the same message would get the same answer
            # As late as the service asks, and no two clients at the same moment.
            wait = max(retry_after, pause) + random.uniform(0, pause)
            pause *= 2
            if time.monotonic() + wait >= deadline:
                break
            time.sleep(wait)
        return Outcome(None, None, why)

    def _post(
        self, message: bytes, request_id: str, key: str, left: float
    ) -> tuple[int, float, bytes]:
        headers = {
            "Content-Type": "application/json",
            "Idempotency-Key": key,
            "X-Request-ID": request_id,
            "X-Request-Timeout-Ms": str(min(max(int(left * 1000), 1), 600_000)),
            **self._authorization,
        }
        # A little longer than the service has: its own answer, 504, says more than a cut line.
        connection = self._connection(self._host, self._port, timeout=left + 0.5)
        try:
            connection.request("POST", self._path, message, headers)
            response = connection.getresponse()
            asked = response.getheader("Retry-After", "")
            return response.status, float(asked) if asked.isdecimal() else 0.0, response.read()
        finally:
            connection.close()


def _decided(answer: bytes) -> Outcome:
    try:
        decision = json.loads(answer)
        department, review = decision["department"], decision["needs_review"]
        causes = [str(cause) for cause in decision["review_reasons"]]
    except (ValueError, KeyError, TypeError):
        return Outcome(None, None, "no_decision")
    # A department that this program does not know is for a person too.
    if review is not False or department not in DEPARTMENTS:
        return Outcome(None, answer, ",".join(causes) or "needs_review")
    return Outcome(department, answer, "decided")


def name_of(file: Path, message: bytes) -> str:
    """What the service knows this message by, today and after a crash."""
    return hashlib.sha256(file.name.encode() + b"\0" + message).hexdigest()


def write_durably(file: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    fresh = file.with_name(file.name + ".new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())
    fresh.replace(file)


def settle(file: Path, outcome: Outcome, spool: Path) -> None:
    """Put the message, and before it the decision, where it belongs."""
    place = Path("routed", outcome.department) if outcome.department else Path("person")
    folder = spool / place
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if outcome.decision is not None:
        write_durably(folder / f"{file.stem}.decision.json", outcome.decision)
    # The message moves last: interrupted before, it is still waiting, and is asked under its key.
    file.replace(folder / file.name)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def main(files: list[str]) -> int:
    """Settle all files; returns 1 where one of them is still waiting."""
    client = Client(
        os.environ.get("TRIAGE_URL", "http://127.0.0.1:8000"),
        seconds=int(os.environ.get("TRIAGE_TIMEOUT_MS", "10000")) / 1000,
        api_key=os.environ.get("TRIAGE_API_KEY", ""),
    )
    spool = Path(os.environ.get("TRIAGE_SPOOL", "spool"))
    left = 0
    for name in files:
        request_id = uuid.uuid4().hex
        try:
            file = Path(name)
            message = file.read_bytes()
            outcome = client.classify(message, request_id, name_of(file, message))
            settle(file, outcome, spool)
        except OSError as error:
            left = 1
            print(f"{name} {request_id} still waiting: {error.strerror}", file=sys.stderr)
            continue
        urgent = outcome.decision and re.search(rb'"urgent":true', outcome.decision)
        where = f"routed/{outcome.department}" if outcome.department else "person"
        print(f"{file.name} {request_id} {where} {outcome.why}{' urgent' if urgent else ''}")
    return left


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
