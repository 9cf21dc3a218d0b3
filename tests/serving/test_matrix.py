"""Role × address × object: every address with everybody, on objects of one department."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from fastapi.testclient import TestClient
from sqlalchemy import select, update

from serving.app import create_app
from serving.settings import Settings
from serving.store import keys
from serving.store.actors import COMMAND, SCOPES, Actor, Permission, Role, key, user
from serving.store.intake import insert_messages
from serving.store.opening import Store, open_store
from serving.store.tables import api_keys, items, users
from tests.serving import reviewing
from tests.serving.conftest import wait_until_ready
from tests.serving.matrix import DOORS, MAY, RULES, STRANGERS, Rule, Target
from tests.store.people import CIVIL, judged, new_id
from tests.store.records import record
from tests.store.sketching import sketch_all
from triage.types import Department

MARK = "琥珀色的门"
TEXT = f"{MARK}后面的人欠我三万元不还"
NOWHERE = 2**40
_PERSON = r"own reviewer|other reviewer|lead|scientist|admin|newcomer"
PEOPLE = [who for who in MAY if re.fullmatch(_PERSON, who)]
ROLES = {"lead": Role.LEAD, "scientist": Role.SCIENTIST}


@dataclass
class Office:
    """The application, and everybody's headers."""

    app: FastAPI
    client: Any
    store: Store
    headers: dict[str, dict[str, str]]
    issue: int
    kept: Target | None = None
    """Objects that nothing has been done with; who may not touch them leaves them so."""

    def untouched(self) -> Target:
        if self.kept is None:
            self.kept = self.target("own reviewer")
        return self.kept

    def target(self, who: str) -> Target:
        """New objects; the decision is `who`'s own, where they may make one."""
        number, other = received(self.store, 2)
        own = "review" in MAY[who] and who != "other reviewer"
        made = judged(self.store, actor(who if own else "own reviewer"), other, 0, CIVIL)
        person, program = f"p{number}", f"k{number}"
        reviewing.session(self.store, person, Role.LEAD)
        reviewing.key(self.store, program, Permission.EXPORT)
        return Target(number, self.issue, made, person, program)

    def ask(self, who: str, method: str, path: str, rule: Rule, target: Target) -> Any:
        given: dict[str, Any] = {"path": path} | rule.given(target)
        names = {"message_id": target.message, "number": target.message, "name": target.person,
                 "cluster_id": target.issue}  # fmt: skip
        where = given.pop("path").format_map(names)
        headers = self.headers[who] | given.pop("headers", {})
        return self.client.request(method, where, headers=headers, **given)

    def state(self, target: Target) -> list[Any]:
        """What a request that is refused must leave alone."""
        columns = [items.c[name] for name in ("version", "first_seen_at", "replied_at")]
        one = select(*columns).where(items.c.message_id == target.message)
        with self.store.database.read() as connection:
            people = select(users.c.name, users.c.role).order_by(users.c.id)
            return [*connection.execute(one), *connection.execute(people)]


def received(store: Store, count: int) -> list[int]:
    records = [record(TEXT, at=datetime.now(UTC)) for _ in range(count)]
    with store.database.write() as connection:
        return insert_messages(connection, store.calendar, records)


def actor(who: str) -> Actor:
    """Who acts for the service; as `everybody` adds them."""
    name = who.replace(" ", "-")
    if who.startswith("key "):
        return key(name, [Permission(scope) for scope in MAY[who]], sees_personal=False)
    return user(name, ROLES.get(who, Role.ADMIN if who == "admin" else Role.REVIEWER),
                [Department.CIVIL])  # fmt: skip


def everybody(store: Store) -> dict[str, dict[str, str]]:
    """The headers of each."""
    made_up = {"Authorization": "Bearer triage_made-up"}
    found: dict[str, dict[str, str]] = {"nobody": {}, "key made up": made_up}
    for who, may in MAY.items():
        name = who.replace(" ", "-")
        if who in ("own reviewer", "other reviewer"):
            own = Department.CIVIL if who == "own reviewer" else Department.ADMINISTRATIVE
            found[who] = reviewing.session(store, name, Role.REVIEWER, own)
        elif who in (*PEOPLE, "leaver"):
            found[who] = reviewing.session(store, name, ROLES.get(who, Role.ADMIN))
        elif who not in found:
            scopes = SCOPES if who in STRANGERS else map(Permission, may)
            found[who] = reviewing.key(store, name, *scopes)
    with store.database.write() as connection:
        new = update(users).where(users.c.name == "newcomer")
        connection.execute(new.values(must_change=True))
        # Beside the functions that would end the session as well: each lock must hold alone.
        left = update(users).where(users.c.name == "leaver")
        connection.execute(left.values(active=False))
        late = update(api_keys).where(api_keys.c.name == "key-expired")
        connection.execute(late.values(expires_at=datetime.now(UTC)))
        keys.revoke(connection, store.audit, COMMAND, "key-revoked", datetime.now(UTC))
    return found


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    store = open_store(tmp_path_factory.mktemp("office"))
    assert store is not None
    headers = everybody(store)
    (first, *_) = received(store, 3)
    sketch_all(store)
    app = create_app(Settings(workers=1), "tests.serving.fakes:plain", store=store)
    # Some answers are 500 only where something is wrong: the test must see them.
    with TestClient(app, base_url="https://triage.test", follow_redirects=False) as client:
        wait_until_ready(client)
        yield Office(app, client, store, headers, first)


def test_every_address_is_declared(office: Office) -> None:
    found = {
        (method, route.path)
        for route in iter_route_contexts(office.app.routes)
        for method in (route.methods or {"GET"}) - {"HEAD"}
    }
    assert found - set(RULES) - DOORS == set(), "declare who may use it in tests/serving/matrix.py"
    assert (set(RULES) | DOORS) - found == set(), "these are gone"


def expected(who: str, rule: Rule) -> str:
    """What becomes of a request."""
    if rule.needs == "anybody":
        return "done"
    if who in STRANGERS:
        return "unknown"
    if rule.needs == "classify":  # a program's work: a cookie opens nothing
        return "done" if who == "key classify" else "forbidden" if who[:3] == "key" else "unknown"
    if who == "newcomer":
        return "must change"
    if rule.needs != "known" and rule.needs not in MAY[who]:
        return "forbidden"
    return "hidden" if rule.has_object and who == "other reviewer" else "done"


def outcome(answer: Any, rule: Rule) -> str:
    """What has become of a request; everything else is a number."""
    wanted = rule.status if isinstance(rule.status, tuple) else (rule.status,)
    door = answer.headers.get("location", "").partition("?")[0]
    code = answer.json()["code"] if "problem" in answer.headers.get("content-type", "") else ""
    status = answer.status_code
    if rule.is_page:
        assert not code
        if status == 303 and door in ("/login", "/password"):
            return {"/login": "unknown", "/password": "must change"}[door]
        code = {403: "forbidden", 404: "not_found"}.get(status, "")
    told = {"unauthenticated": "unknown", "password_change": "must change",
            "forbidden": "forbidden", "not_found": "hidden"}  # fmt: skip
    if code in told:
        return told[code]
    return "done" if status in wanted else f"{status} {code}"


@pytest.mark.parametrize("address", RULES, ids=" ".join)
def test_who_may_do_what(office: Office, address: tuple[str, str]) -> None:
    rule = RULES[address]
    for who in MAY:
        wanted = expected(who, rule)
        changes = wanted == "done" and who != "other reviewer" and address[0] != "GET"
        target = office.target(who) if changes else office.untouched()
        before = office.state(target)
        answer = office.ask(who, *address, rule, target)
        assert outcome(answer, rule) == wanted, who
        if wanted != "done" or who == "other reviewer":
            assert office.state(target) == before, who
        sees = rule.needs == "export" or ("review" in MAY[who] and who != "other reviewer")
        assert sees or MARK not in answer.text, who


def test_what_is_searched_for_is_found(office: Office) -> None:
    """Else the test above would search for what is never there."""
    for path in ("/v1/messages/{message_id}", "/v1/reviews", "/queue", "/messages/{number}",
                 "/hot/{cluster_id}", "/v1/hot-issues", "/v1/exports"):  # fmt: skip
        rule = RULES["GET", path]
        assert MARK in office.ask("admin", "GET", path, rule, office.untouched()).text, path


@pytest.mark.parametrize(
    "address", [each for each, rule in RULES.items() if rule.has_object], ids=" ".join
)
def test_what_is_anothers_is_as_what_is_nowhere(office: Office, address: tuple[str, str]) -> None:
    rule = RULES[address]
    there = office.untouched()
    nowhere = Target(NOWHERE, NOWHERE, new_id(), "nobody", "none")
    answers = [
        office.ask(who, *address, rule, target)
        for who, target in (
            ("other reviewer", there),
            ("other reviewer", nowhere),
            ("admin", nowhere),
        )
    ]
    assert [answer.status_code for answer in answers] == [404] * 3
    hidden, missing = (
        re.sub(r'nonce="[^"]*"', "", each.text).replace(each.headers["x-request-id"], "")
        for each in answers[:2]
    )
    assert hidden == missing


UNSAFE = [each for each in [*RULES, *DOORS] if each[0] != "GET" and "classify" not in each[1]]


@pytest.mark.parametrize("address", sorted(UNSAFE), ids=" ".join)
def test_no_other_site_sends_anything(office: Office, address: tuple[str, str]) -> None:
    rule = RULES.get(address, Rule("known", 303))
    for headers in (
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Origin": "https://triage.test"},
        {"Sec-Fetch-Site": ""},
        {"Origin": "https://evil.test"},
        {"Origin": "null"},
        {},
    ):
        target = office.untouched()
        before = office.state(target)
        office.headers["browser"] = {"Cookie": office.headers["admin"]["Cookie"]} | headers
        answer = office.ask("browser", *address, rule, target)
        assert (answer.status_code, answer.json()["code"]) == (403, "cross_site"), headers
        assert office.state(target) == before


def test_the_doors_are_open(office: Office) -> None:
    def get(who: str, path: str) -> tuple[int, str]:
        answer = office.client.get(path, headers=office.headers[who])
        return answer.status_code, answer.headers.get("location", "")

    assert get("nobody", "/login") == (200, "")
    assert get("nobody", "/password") == (303, "/login?next=%2Fpassword")
    assert get("newcomer", "/login") == (303, "/password")
    for who in PEOPLE:
        assert get(who, "/password") == (200, "")
    assert get("lead", "/login") == (303, "/")


def test_without_a_store_there_is_nothing_to_see() -> None:
    app = create_app(Settings(workers=1), "tests.serving.fakes:plain")
    nowhere = Target(1, 1, new_id(), "nobody", "none")
    with TestClient(app, base_url="https://triage.test", follow_redirects=False) as client:
        wait_until_ready(client)
        for address, rule in [*RULES.items(), *((door, Rule("known")) for door in DOORS)]:
            if rule.needs in ("anybody", "classify"):
                continue
            given: dict[str, Any] = {"path": address[1]} | rule.given(nowhere)
            where = given.pop("path").format(message_id=1, number=1, name="li", cluster_id=1)
            answer = client.request(address[0], where, **given)
            assert answer.status_code == 404, address
