"""What every address asks for, who there is, and what each of them must get."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any, Final

from sqlalchemy import update

from serving.store import keys
from serving.store.actors import COMMAND, SCOPES, Actor, Permission, Role, key, user
from serving.store.labels import Label
from serving.store.opening import Store
from serving.store.tables import api_keys
from serving.store.tables import users as people
from tests.serving.reviewing import key as new_key
from tests.serving.reviewing import session, verdict
from tests.store.people import LEAD, judged, new_id
from tests.store.records import stored
from triage.labels import DEPARTMENT_NAMES
from triage.types import Department, Reason

OWN, OTHER, MISSING = "own", "other", "missing"
MARKS: Final = {OWN: "甲处记号", OTHER: "乙处记号"}
"""What only messages of civil, and of public interest, say: in text, channel and reference."""
OWNERS: Final = {OWN: Department.CIVIL, OTHER: Department.PUBLIC_INTEREST}
_TEXTS: Final = {
    OWN: "{}第{}号，欠我三万元货款不还，多次催要没有结果",
    OTHER: "{}第{}号，工地整天扬尘，窗户都不敢开，请管一管",
}
_NOWHERE: Final = 2**40


class Door(Enum):
    """Addresses that ask for no permission."""

    OPEN = "whoever asks"
    KNOWN = "whoever is known"


@dataclass(frozen=True)
class Person:
    """Somebody who asks: their headers, and who they are; None where nobody knows."""

    name: str
    headers: dict[str, str]
    actor: Actor | None = None
    must_change: bool = False

    @property
    def is_program(self) -> bool:
        return self.actor is not None and self.actor.name.startswith("key:")

    def sees(self, which: str) -> bool:
        return self.actor is not None and OWNERS.get(which) in self.actor.departments


@dataclass
class Place:
    """A store with messages of two departments; fresh ones for whoever needs them."""

    store: Store
    messages: dict[str, Iterator[int]] = field(default_factory=dict)
    clusters: dict[str, int] = field(default_factory=dict)
    decided: dict[str, str] = field(default_factory=dict)

    def fill(self, count: int) -> None:
        for which, mark in MARKS.items():
            texts = [_TEXTS[which].format(mark, number) for number in range(count)]
            numbers = stored(self.store, *texts, channel=mark, id=f"{mark}-{new_id()}")
            self.clusters[which] = numbers[0]
            label = Label(OWNERS[which], True, (Reason.LIVELIHOOD,))
            self.decided[which] = judged(self.store, LEAD, numbers[-1], 0, label)
            self.messages[which] = itertools.cycle(numbers[1:-1])

    def number(self, which: str) -> int:
        return _NOWHERE if which == MISSING else next(self.messages[which])

    def cluster(self, which: str) -> int:
        return self.clusters.get(which, _NOWHERE)

    def key(self, _which: str) -> str:
        new_key(self.store, name := new_id(), Permission.CLASSIFY)
        return name

    def user(self, _which: str) -> str:
        session(self.store, name := new_id(), Role.SCIENTIST)
        return name


Body = Callable[[Place, str], Any]


@dataclass(frozen=True)
class Ask:
    """How an address is asked, what for, and what it answers to those who may."""

    needs: Permission | Door
    status: int | tuple[int, ...] = 200
    body: Body | None = None
    query: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    by_key_only: bool = False
    of_no_object: bool = False
    """Every status is the same, whether the object exists or not."""

    @property
    def statuses(self) -> tuple[int, ...]:
        return self.status if isinstance(self.status, tuple) else (self.status,)


def _verdict(_place: Place, which: str) -> Any:
    return verdict(OWNERS.get(which, Department.CIVIL))


def _annotation(place: Place, which: str) -> Any:
    choice = {"from_name": "department", "to_name": "text", "type": "choices",
              "value": {"choices": [DEPARTMENT_NAMES[OWNERS.get(which, Department.CIVIL)]]}}  # fmt: skip
    data = {"message_id": place.number(which), "version": 0}
    return [{"data": data, "annotations": [{"result": [choice]}]}]


def _text(_place: Place, _which: str) -> Any:
    return {"text": "路灯坏了三个月没人修"}


_REVIEW, _ADMIN = Permission.REVIEW, Permission.ADMIN
_VERSION_0: Final = (("If-Match", '"0"'),)

ASKED: Final[dict[tuple[str, str], Ask]] = {
    ("POST", "/v1/classify"): Ask(Permission.CLASSIFY, body=_text, by_key_only=True),
    ("POST", "/v1/classify/batch"): Ask(
        Permission.CLASSIFY, body=lambda p, w: {"messages": [_text(p, w)]}, by_key_only=True
    ),
    ("GET", "/v1/departments"): Ask(Door.OPEN),
    ("GET", "/v1/problems"): Ask(Door.OPEN),
    ("GET", "/livez"): Ask(Door.OPEN),
    ("GET", "/readyz"): Ask(Door.OPEN),
    ("GET", "/metrics"): Ask(Door.OPEN),
    ("GET", "/docs"): Ask(Door.OPEN),
    ("GET", "/openapi.json"): Ask(Door.OPEN),
    ("GET", "/static/{name}"): Ask(Door.OPEN, 404),  # of files that there are not
    ("GET", "/assets/{mark}/{name:path}"): Ask(Door.OPEN, 404),
    # Accounts.
    ("GET", "/v1/users"): Ask(_ADMIN),
    ("POST", "/v1/users"): Ask(_ADMIN, 201, lambda *_: {"name": new_id(), "role": "lead"}),
    ("PATCH", "/v1/users/{name}"): Ask(_ADMIN, body=lambda *_: {"active": False}),
    ("GET", "/v1/keys"): Ask(_ADMIN),
    ("POST", "/v1/keys"): Ask(_ADMIN, 201, lambda *_: {"name": new_id(), "scopes": ["review"]}),
    ("DELETE", "/v1/keys/{name}"): Ask(_ADMIN, 204),
    # What these forms do to whom is tested in test_access.py.
    ("GET", "/login"): Ask(Door.OPEN, (200, 303)),
    ("GET", "/password"): Ask(Door.OPEN, (200, 303)),
    ("POST", "/login"): Ask(Door.OPEN, 303),
    ("POST", "/logout"): Ask(Door.OPEN, 303),
    ("POST", "/password"): Ask(Door.OPEN, 303),
    # Reviews.
    ("GET", "/v1/reviews"): Ask(_REVIEW, query="tab=all&limit=200"),
    ("POST", "/v1/reviews/next"): Ask(_REVIEW, query="tab=all"),
    ("GET", "/v1/reviews/undo"): Ask(_REVIEW),
    ("POST", "/v1/reviews/undo"): Ask(
        _REVIEW, 404, lambda p, w: {"id": new_id(), "undoes": p.decided.get(w, new_id())}
    ),
    ("POST", "/v1/reviews/{message_id}"): Ask(_REVIEW, body=_verdict, headers=_VERSION_0),
    ("GET", "/v1/reviews/{message_id}/history"): Ask(_REVIEW),
    ("POST", "/v1/reviews/{message_id}/lease"): Ask(_REVIEW),
    ("DELETE", "/v1/reviews/{message_id}/lease"): Ask(_REVIEW, 204, of_no_object=True),
    ("GET", "/v1/messages/{message_id}"): Ask(_REVIEW),
    ("POST", "/v1/messages/{message_id}/reveal"): Ask(_REVIEW),
    ("POST", "/v1/messages/{message_id}/replies"): Ask(
        _REVIEW, body=lambda *_: {"kind": "replied"}
    ),
    ("GET", "/v1/hot-issues"): Ask(_REVIEW),
    ("GET", "/v1/hot-issues/{cluster_id}"): Ask(_REVIEW),
    ("POST", "/v1/hot-issues/{cluster_id}/label"): Ask(_REVIEW, body=_verdict),
    # What goes out and comes in.
    ("GET", "/v1/exports"): Ask(Permission.EXPORT),
    ("GET", "/v1/exports/label-studio.xml"): Ask(Permission.EXPORT),
    ("POST", "/v1/imports/label-studio"): Ask(_REVIEW, body=_annotation, of_no_object=True),
    ("GET", "/v1/statistics"): Ask(Permission.STATISTICS),
    ("GET", "/v1/statistics.csv"): Ask(Permission.STATISTICS),
    # Pages.
    ("GET", "/"): Ask(Door.KNOWN, 303),
    ("GET", "/help"): Ask(Door.KNOWN),
    ("GET", "/users"): Ask(_ADMIN),
    ("GET", "/queue"): Ask(_REVIEW, query="tab=all"),
    ("GET", "/queue/counts"): Ask(_REVIEW),
    ("GET", "/queue/next"): Ask(_REVIEW, 303),
    ("GET", "/messages/{number}"): Ask(_REVIEW),
    ("GET", "/deadlines"): Ask(_REVIEW),
    ("GET", "/statistics"): Ask(Permission.STATISTICS),
    ("GET", "/hot"): Ask(_REVIEW),
    ("GET", "/hot/{cluster_id}"): Ask(_REVIEW),
}


def crowd(store: Store) -> list[Person]:
    """One of each: by role, by scope, and those who are none of them any more."""
    found = [
        Person("nobody", {"Sec-Fetch-Site": "same-origin"}),
        Person("a made-up key", {"Authorization": "Bearer triage_made-up"}),
        Person("a made-up session", {"Cookie": "__Host-triage=made-up"}),
    ]
    for name, role, own in (
        ("civil", Role.REVIEWER, (Department.CIVIL,)),
        ("public", Role.REVIEWER, (Department.PUBLIC_INTEREST,)),
        ("lead", Role.LEAD, ()),
        ("scientist", Role.SCIENTIST, ()),
        ("admin", Role.ADMIN, ()),
        ("new", Role.ADMIN, ()),
        ("gone", Role.ADMIN, ()),
    ):
        headers = session(store, name, role, *own)
        actor = None if name == "gone" else user(name, role, own)
        found.append(Person(name, headers, actor, must_change=name == "new"))
    for scope in SCOPES:
        name = f"key-{scope}"
        actor = key(name, [scope], sees_personal=False)
        found.append(Person(name, new_key(store, name, scope), actor))
    found += [Person(name, new_key(store, name, *SCOPES)) for name in ("expired", "revoked")]
    with store.database.write() as connection:
        past = datetime.now(UTC) - timedelta(seconds=1)
        late = api_keys.c.name == "expired"
        connection.execute(update(api_keys).where(late).values(expires_at=past))
        keys.revoke(connection, store.audit, COMMAND, "revoked", past)
        for name, values in (("new", {"must_change": True}), ("gone", {"active": False})):
            connection.execute(update(people).where(people.c.name == name).values(**values))
    return found


def expected(person: Person, ask: Ask, which: str | None, *, is_page: bool) -> tuple[int, ...]:
    """The only statuses that may be answered."""
    if ask.needs is Door.OPEN:
        return ask.statuses
    known = person.actor is not None and (person.is_program or not ask.by_key_only)
    if not known or person.actor is None:
        return (303,) if is_page else (401,)
    if person.must_change:
        return (303,) if is_page else (403,)
    if isinstance(ask.needs, Permission) and not person.actor.may(ask.needs):
        return (403,)
    if which is not None and not ask.of_no_object and not person.sees(which):
        return (404,)
    return ask.statuses
