"""The live service against its own description: requests made from it, by Schemathesis.

With `SCHEMA_EXAMPLES=500` there are so many requests of each operation instead of 30, and other
ones every time.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from serving.app import create_app
from serving.docs import build_openapi
from serving.settings import Settings
from serving.store import keys
from serving.store.actors import COMMAND, SCOPES
from serving.store.opening import open_store
from tests.serving.process import Server, serving
from triage.normalise import normalise

schemathesis = pytest.importorskip("schemathesis")
checks = pytest.importorskip("schemathesis.checks")
openapi_checks = pytest.importorskip("schemathesis.specs.openapi.checks")

EXAMPLES = int(os.environ.get("SCHEMA_EXAMPLES", "30"))
# With less time than this a request may well end with 504, as it is told.
ENOUGH_MS = 5_000
DESCRIPTION = build_openapi(create_app(Settings()))

described = schemathesis.openapi.from_dict(DESCRIPTION)


def key_for_all(state: Path) -> str:
    """A key that opens everything that a key can open."""
    store = open_store(state)
    assert store is not None
    with store.database.write() as connection:
        made = keys.add(
            connection, store.audit, COMMAND, "schema", SCOPES, now=datetime.now(UTC),
            sees_personal=True,
        )  # fmt: skip
    store.close()
    return made


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    state = tmp_path_factory.mktemp("state")
    limits = {"TRIAGE_QUEUE_SECONDS": "60", "TRIAGE_BATCH_QUEUE_SECONDS": "600"}
    with serving(TRIAGE_WORKERS="2", TRIAGE_STATE=str(state), **limits) as started:
        started.client.headers["Authorization"] = f"Bearer {key_for_all(state)}"
        assert started.client.get("/openapi.json").json() == DESCRIPTION
        yield started


def is_only_an_unknown_header(case: object) -> bool:
    return "x-schemathesis-unknown-property" in case.headers


def is_short_of_time(case: object) -> bool:
    given = str(case.headers.get("X-Request-Timeout-Ms", ""))
    return given.isdecimal() and int(given) < ENOUGH_MS


def is_invisible(case: object) -> bool:
    """Whether the text is one that no schema can tell from a text, such as a lone control code."""
    text = case.body.get("text") if isinstance(case.body, dict) else None
    return isinstance(text, str) and not normalise(text).text


def breaks_a_rule(answer: object) -> bool:
    """Whether it was refused for what no schema can say: a value that only the service gives out,
    or what must fit together."""
    told = answer.json()
    fields = {error["field"] for error in told["errors"]}
    rules = {"changed_request", "invalid_account", "invalid_label", "precondition_required",
             "reused_id"}  # fmt: skip
    never = any("in the years" in error["detail"] for error in told["errors"])
    return told["code"] in rules or never or bool(fields & {"cursor", "If-Match"})


@described.parametrize()
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    derandomize="SCHEMA_EXAMPLES" not in os.environ,
    suppress_health_check=list(HealthCheck),
)
def test_answers_are_as_described(case: object, server: Server) -> None:
    answer = case.call(base_url=server.url, headers=server.client.headers)
    excluded = []
    if is_only_an_unknown_header(case):
        excluded.append(openapi_checks.negative_data_rejection)
    if answer.status_code == 504 and is_short_of_time(case):
        excluded.append(checks.not_a_server_error)
    if answer.status_code in (422, 428) and (is_invisible(case) or breaks_a_rule(answer)):
        excluded.append(openapi_checks.positive_data_acceptance)
    case.validate_response(answer, excluded_checks=excluded)
