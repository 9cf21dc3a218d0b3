"""Everybody asks every address for every object: nobody gets more than is theirs.

Whoever adds an address must say in `matrix.py` what it asks for.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select
from starlette.routing import BaseRoute, Mount

from serving.app import create_app
from serving.settings import Settings
from serving.store.actors import Permission
from serving.store.opening import open_store
from serving.store.tables import corrections, items
from tests.serving.conftest import wait_until_ready
from tests.serving.matrix import (
    ASKED,
    MARKS,
    MISSING,
    OTHER,
    OWN,
    Ask,
    Door,
    Person,
    Place,
    crowd,
    expected,
)
from tests.store.postgres import KINDS, fresh_url
from tests.store.sketching import sketch_all

MESSAGES = 40
_FORMS = {"/login", "/logout", "/password"}
# What is hidden is hidden by the database: these are asked on both.
_OF_REVIEWS = [address for address, ask in ASKED.items() if ask.needs is Permission.REVIEW]
_OTHERS = [address for address in ASKED if address not in _OF_REVIEWS]


def routes(given: Iterable[BaseRoute]) -> Iterator[tuple[str, str]]:
    """Method and template of every address."""
    for route in given:
        if included := getattr(route, "original_router", None):
            yield from routes(included.routes)
        elif isinstance(route, Mount):
            yield "GET", f"{route.path}/{{name}}"
        else:
            methods = getattr(route, "methods", None) or {"?"}
            yield from ((method, route.path) for method in methods)  # type: ignore[attr-defined]


def test_every_address_says_what_it_asks_for() -> None:
    found = list(routes(create_app(Settings(workers=1)).routes))
    assert len(found) > 40
    assert set(found) - {("HEAD", path) for _, path in found} == set(ASKED)
    # Not one of them is open that has to do with messages, people or keys.
    opened = {path for (_, path), ask in ASKED.items() if isinstance(ask.needs, Door)}
    assert not [path for path in opened if re.search("review|message|user|key|hot|export", path)]


@dataclass
class House:
    """The application, and everybody before its door."""

    client: Any
    place: Place
    people: list[Person]


@contextlib.contextmanager
def furnished(kind: str, folder: Path) -> Iterator[House]:
    store = open_store(folder, url=fresh_url(kind, folder))
    assert store is not None
    place = Place(store)
    place.fill(MESSAGES)
    sketch_all(store)
    everybody = crowd(store)
    app = create_app(Settings(workers=1), "tests.serving.fakes:plain", store=store)
    with TestClient(app, base_url="https://triage.test") as client:
        wait_until_ready(client)
        yield House(client, place, everybody)


@pytest.fixture(scope="module", params=KINDS)
def house(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[House]:
    with furnished(request.param, tmp_path_factory.mktemp("house")) as made:
        yield made


@pytest.fixture(scope="module")
def annex(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with furnished("sqlite", tmp_path_factory.mktemp("annex")) as made:
        yield made


def ask_for(house: House, person: Person, method: str, path: str, which: str) -> Any:
    ask, place = ASKED[method, path], house.place
    parts = {
        "message_id": place.number,
        "number": place.number,
        "cluster_id": place.cluster,
        "name": place.key if "keys" in path else place.user,
    }
    filled = re.sub(r"\{(\w+)[^}]*\}", lambda m: str(parts.get(m[1], str)(which)), path)
    body = ask.body(place, which) if ask.body else None
    answer = house.client.request(
        method,
        filled + (f"?{ask.query}" if ask.query else ""),
        json=body,
        headers=person.headers | dict(ask.headers),
        follow_redirects=False,
    )
    house.client.cookies.clear()
    return answer


def objects(ask: Ask, path: str) -> tuple[str, ...]:
    of_messages = re.search(r"\{(message_id|number|cluster_id)", path)
    asks = of_messages or ask.of_no_object or path.endswith("/undo")
    return (OWN, OTHER, MISSING) if asks else ("",)


@pytest.mark.parametrize(("method", "path"), _OF_REVIEWS)
def test_everybody_sees_what_is_theirs(house: House, method: str, path: str) -> None:
    everybody_asks(house, method, path)


@pytest.mark.parametrize(("method", "path"), _OTHERS)
def test_everybody_opens_what_is_theirs(annex: House, method: str, path: str) -> None:
    everybody_asks(annex, method, path)


def everybody_asks(house: House, method: str, path: str) -> None:
    ask = ASKED[method, path]
    for person in house.people:
        if method == "POST" and path in _FORMS and person.name != "nobody":
            continue  # it would end their session
        missing = ""
        for which in reversed(objects(ask, path)):
            case = f"{person.name} asks for {which or 'it'}"
            answer = ask_for(house, person, method, path, which)
            is_page = not path.startswith("/v1/")
            of_object = which if "{" in path else ""
            wanted = expected(person, ask, of_object or None, is_page=is_page)
            if "{name" in path:
                wanted = expected(person, ask, None, is_page=is_page)
            assert answer.status_code in wanted, f"{case}: {answer.text[:300]}"
            nothing_of_others(person, answer, case)
            shown = re.sub(answer.headers["x-request-id"], "", answer.text)
            if which == MISSING:
                missing = shown
            elif which and answer.status_code == 404:
                assert shown == missing, f"{case}: it shows that there is one"


def nothing_of_others(person: Person, answer: Any, case: str) -> None:
    """Nothing of a message that does not exist for who asks, and no message in a refusal."""
    for which, mark in MARKS.items():
        if answer.status_code >= 300 or not person.sees(which):
            assert mark not in answer.text, case


def test_nobody_judged_what_is_not_theirs(house: House) -> None:
    """After all of the above: who has decided on what."""
    judged = (
        select(corrections.c.actor, items.c.channel, func.count())
        .join(items, items.c.message_id == corrections.c.message_id)
        .group_by(corrections.c.actor, items.c.channel)
    )
    with house.place.store.database.read() as connection:
        found = {(actor, channel) for actor, channel, _ in connection.execute(judged)}
        assert house.place.store.audit.verify(connection).fault is None
    deciders = {"user:civil", "user:public", "user:lead", "user:admin", "key:key-review"}
    allowed = {(who, mark) for who in deciders for mark in MARKS.values()} | {
        ("user:chen", mark) for mark in MARKS.values()
    }
    forbidden = {("user:civil", MARKS[OTHER]), ("user:public", MARKS[OWN])}
    assert found <= allowed - forbidden
