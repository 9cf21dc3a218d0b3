"""Keys on the hot path, their limits, and the door that stays shut."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import event, text, update
from starlette.datastructures import Headers

from serving import access
from serving.access import Keyring, refuse_open
from serving.app import create_app
from serving.limits import Limiter
from serving.problems import ProblemError
from serving.settings import Settings
from serving.store import keys
from serving.store.actors import ANONYMOUS, COMMAND, Permission
from serving.store.opening import Store, open_store
from serving.store.tables import api_keys

CLASSIFY = (Permission.CLASSIFY,)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = open_store(tmp_path)
    assert store is not None
    yield store
    store.close()


def add(store: Store, name: str = "intake", **given: Any) -> Headers:
    """The headers of a new program."""
    now = datetime.now(UTC)
    with store.database.write() as connection:
        made = keys.add(
            connection, store.audit, COMMAND, name, given.pop("scopes", CLASSIFY), now=now, **given
        )
    return Headers({"Authorization": f"Bearer {made}"})


def code(ask: Callable[[], object]) -> str:
    with pytest.raises(ProblemError) as refused:
        ask()
    return refused.value.code


def change(store: Store, **values: object) -> None:
    with store.database.write() as connection:
        connection.execute(update(api_keys).values(**values))


@pytest.fixture
def asked(store: Store) -> list[str]:
    """What the database is asked, from now on."""
    found: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        found.append(statement)

    event.listen(store.database.engine, "before_cursor_execute", note)
    return found


def test_without_keys_whoever_asks_may_classify(store: Store) -> None:
    keyring = Keyring(store)
    assert keyring.caller(Headers()) is ANONYMOUS
    assert not any(ANONYMOUS.may(each) for each in Permission if each is not Permission.CLASSIFY)
    assert code(partial(keyring.caller, Headers({"X-API-Key": "made-up"}))) == "unauthenticated"


@pytest.mark.parametrize(
    "headers",
    [{"Authorization": "Bearer {}"}, {"authorization": "bearer   {} "}, {"X-API-Key": "{}"}],
)
def test_a_key_may_come_in_two_headers(store: Store, headers: dict[str, str]) -> None:
    made = add(store)["authorization"].removeprefix("Bearer ")
    given = Headers({name: value.format(made) for name, value in headers.items()})
    assert Keyring(store).caller(given).name == "key:intake"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer "},
        {"Authorization": "Basic aTpp"},
        {"Authorization": "Bearer triage_x"},
        {"X-API-Key": ""},
        {"X-API-Key": "密"},
    ],
)
def test_what_is_no_key(store: Store, headers: dict[str, str]) -> None:
    add(store)
    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    assert code(partial(Keyring(store).caller, Headers(raw=raw))) == "unauthenticated"


def test_a_known_key_asks_the_database_nothing(store: Store, asked: list[str]) -> None:
    headers = add(store)
    keyring = Keyring(store)
    keyring.caller(headers)
    asked.clear()
    for _ in range(100):
        assert asyncio.run(keyring.called(headers)).name == "key:intake"
    assert asked == []


def test_a_new_key_opens_at_once(store: Store) -> None:
    keyring = Keyring(store)
    for number in range(20):
        assert keyring.caller(add(store, f"k{number}")).name == f"key:k{number}"
    # And from then on nobody comes in without one, within seconds.
    assert code(partial(keyring.caller, Headers())) == "unauthenticated"


def test_keys_that_are_made_up_do_not_busy_the_database(store: Store, asked: list[str]) -> None:
    add(store)
    keyring = Keyring(store)
    for number in range(300):
        headers = Headers({"X-API-Key": f"made-up-{number}"})
        assert code(partial(keyring.caller, headers)) == "unauthenticated"
    assert len([each for each in asked if "api_keys" in each]) < 150


def test_a_revoked_key_opens_nothing_after_a_while(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers = add(store)
    keyring = Keyring(store)
    assert keyring.caller(headers).name == "key:intake"
    with store.database.write() as connection:
        keys.revoke(connection, store.audit, COMMAND, "intake", datetime.now(UTC))
    monkeypatch.setattr(keyring, "_due", 0.0)  # the time has come
    assert code(partial(keyring.caller, headers)) == "unauthenticated"
    assert access._RELOAD_SECONDS <= 5


def test_an_expired_key_shuts_the_door(store: Store) -> None:
    """It must not be open to all because the last key has run out."""
    soon = datetime.now(UTC) + timedelta(days=1)
    headers = add(store, expires_at=soon)
    keyring = Keyring(store)
    assert keyring.caller(headers).name == "key:intake"
    change(store, expires_at=datetime.now(UTC))
    for ring in (Keyring(store), Keyring(store)):
        assert code(partial(ring.caller, headers)) == "unauthenticated"
        assert code(partial(ring.caller, Headers())) == "unauthenticated"


def test_a_key_expires_while_it_is_known(store: Store) -> None:
    headers = add(store, expires_at=datetime.now(UTC) + timedelta(seconds=1))
    keyring = Keyring(store)
    keyring.caller(headers)
    time.sleep(1)
    assert code(partial(keyring.caller, headers)) == "unauthenticated"


def test_the_database_may_fail_for_a_while(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    headers = add(store)
    keyring = Keyring(store)
    keyring.caller(headers)
    with store.database.write() as connection:
        connection.execute(text("ALTER TABLE api_keys RENAME TO gone"))
    monkeypatch.setattr(keyring, "_due", 0.0)
    assert keyring.caller(headers).name == "key:intake"
    assert code(partial(Keyring(store).caller, headers)) == "storing_failed"
    assert code(partial(Keyring(store).caller, Headers())) == "storing_failed"


def test_a_limit_is_the_keys_own(store: Store) -> None:
    slow, fast = add(store, "slow", per_minute=3), add(store, "fast")
    keyring = Keyring(store)
    for _ in range(3):
        keyring.caller(slow)
    with pytest.raises(ProblemError) as refused:
        keyring.caller(slow)
    assert refused.value.code == "too_many_requests"
    assert refused.value.retry_after is not None
    assert 1 <= refused.value.retry_after <= 20
    for _ in range(50):
        keyring.caller(fast)


def test_a_bucket_fills_evenly() -> None:
    now = 0.0
    limiter = Limiter(lambda: now)
    assert [limiter.wait("a", 6) for _ in range(7)] == [0] * 6 + [10]
    now += 4
    assert limiter.wait("a", 6) == 6
    assert limiter.wait("b", 6) == 0
    now += 6
    assert [limiter.wait("a", 6) for _ in range(2)] == [0, 10]
    now += 3600  # it holds one minute, not an hour
    assert [limiter.wait("a", 6) for _ in range(7)] == [0] * 6 + [10]


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "::1", "localhost"])
def test_this_machine_may_ask_without_keys(host: str) -> None:
    assert refuse_open(host, has_keys=False) is None


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "10.0.0.7", "triage.example", "localhost.x"])
def test_others_need_keys(host: str) -> None:
    assert refuse_open(host, has_keys=True) is None
    assert "triage keys add" in (refuse_open(host, has_keys=False) or "")


def test_what_callers_see(store: Store) -> None:
    slow = dict(add(store, "slow", per_minute=2))
    reviewer = dict(add(store, "reviewer", scopes=(Permission.REVIEW,)))
    message = {"text": "路灯坏了三个月没人修"}
    app = create_app(Settings(workers=1), "tests.serving.fakes:plain", store=store)
    with TestClient(app, base_url="https://triage.test") as client:

        def classify(headers: dict[str, str]) -> tuple[int, str | None]:
            answer = client.post("/v1/classify", json=message, headers=headers)
            assert "路灯" not in answer.text or answer.status_code == 200
            return answer.status_code, answer.json().get("code")

        assert classify({}) == (401, "unauthenticated")
        assert classify(reviewer) == (403, "forbidden")
        assert client.get("/v1/reviews", headers=slow).json()["code"] == "forbidden"
        assert classify(slow)[1] != "forbidden"
        answer = client.post("/v1/classify", json=message, headers=slow)
        assert (answer.status_code, answer.json()["code"]) == (429, "too_many_requests")
        assert 1 <= int(answer.headers["retry-after"]) <= 30
