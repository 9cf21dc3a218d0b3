"""Who comes in, by which door, and who does not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import select, update

from serving.access import COOKIE
from serving.entrance import local_path
from serving.store import sessions, users
from serving.store.actors import COMMAND, Role
from serving.store.opening import Store
from serving.store.tables import audit
from serving.store.tables import sessions as kept
from tests.serving.reviewing import HOST, served, session
from tests.store.hashing import CHEAP, cheap_hashes
from tests.store.people import new_id
from triage.types import Department

PASSWORD = "虚构的口令-只作测试"
ANOTHER = "另一个虚构的口令-二"
SAME = {"Sec-Fetch-Site": "same-origin"}
CHANGE = "/v1/reviews/next"
"""An address that changes something."""


@dataclass
class House:
    """The application, and its database from the side."""

    client: Any
    store: Store

    def add(self, name: str, role: Role = Role.LEAD, *, must_change: bool = False) -> int:
        with self.store.database.write() as connection:
            return users.create(connection, self.store.audit, COMMAND, name, role, (),
                                CHEAP.hash(PASSWORD), must_change=must_change)  # fmt: skip

    def log_in(self, name: str, password: str = PASSWORD, **given: Any) -> Any:
        """The answer; the cookie stays with whoever asks with it."""
        form = {"name": name, "password": password} | given.pop("form", {})
        headers = SAME | given.pop("headers", {})
        answer = self.client.post("/login", data=form, headers=headers, follow_redirects=False)
        self.client.cookies.clear()
        return answer

    def entered(self, name: str) -> dict[str, str]:
        """The headers of somebody who has logged in by the form."""
        return SAME | {"Cookie": f"{COOKIE}={self.log_in(name).cookies[COOKIE]}"}

    def post(self, path: str, headers: dict[str, str], **form: str) -> Any:
        answer = self.client.post(path, data=form, headers=headers, follow_redirects=False)
        self.client.cookies.clear()
        return answer

    def code(self, headers: dict[str, str], path: str = CHANGE) -> str | int:
        """How an address refuses, or that it does not."""
        answer = self.client.post(path, headers=headers)
        return answer.json()["code"] if answer.status_code >= 400 else answer.status_code

    def records(self, name: str) -> list[str]:
        about = audit.c.object == f"user:{name}"
        with self.store.database.read() as connection:
            asked = select(audit.c.action).where(about).order_by(audit.c.seq)
            return list(connection.scalars(asked))


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with cheap_hashes(), served(tmp_path_factory.mktemp("state")) as (client, store):
        yield House(client, store)


def test_logging_in_sets_a_cookie_that_nobody_else_gets(house: House) -> None:
    house.add("li")
    answer = house.log_in("li", form={"next": "/queue?tab=urgent"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/queue?tab=urgent")
    name, *attributes = answer.headers["set-cookie"].split("; ")
    assert name.startswith("__Host-triage=")
    assert set(attributes) == {"HttpOnly", "Max-Age=86400", "Path=/", "SameSite=lax", "Secure"}
    assert answer.headers["cache-control"] == "no-store"
    assert house.code(house.entered("li")) == 204


@pytest.mark.parametrize("who", [("zhou", "wrong"), ("nobody", PASSWORD), ("zhou", ""), ("", "")])
def test_what_is_wrong_is_not_told(house: House, who: tuple[str, str]) -> None:
    if who[1] == "wrong":
        house.add("zhou")
    answer = house.log_in(*who, form={"next": "/hot"})
    assert answer.status_code == 303
    assert answer.headers["location"] == "/login?fault=wrong&next=%2Fhot"
    assert "set-cookie" not in answer.headers


def test_the_form_locks_too(house: House) -> None:
    house.add("sun")
    for _ in range(users.FAILURES):
        house.log_in("sun", "wrong")
    assert "fault=wrong" in house.log_in("sun").headers["location"]
    assert house.records("sun") == ["user_add", *["login_failed"] * 6]


@pytest.mark.parametrize(
    "away",
    [
        "https://evil.test/",
        "//evil.test",
        "///evil.test",
        "/\\evil.test",
        "\\\\evil.test",
        "/\t/evil.test",
        "/\n/evil.test",
        "\t//evil.test",
        " //evil.test",
        "javascript:alert(1)",
        "evil.test",
        "",
        "queue",
        "/queue\r\nSet-Cookie: a=b",
        "/\x00",
    ],
)
def test_nobody_is_led_away(house: House, away: str) -> None:
    assert local_path(away) == "/"
    if away.startswith("https"):
        house.add("qian")
    answer = house.log_in("qian", form={"next": away})
    assert answer.headers["location"] == "/"
    assert "fault=wrong&next=%2F" in house.log_in("x", form={"next": away}).headers["location"]


def test_a_page_leads_to_the_door_and_back(house: House) -> None:
    house.add("wu")
    asked = "/queue?tab=urgent&text=欠薪"
    answer = house.client.get(asked, follow_redirects=False)
    door = urlsplit(answer.headers["location"])
    assert (answer.status_code, door.netloc, door.path) == (303, "", "/login")
    (back,) = parse_qs(door.query)["next"]
    assert parse_qs(urlsplit(back).query) == {"tab": ["urgent"], "text": ["欠薪"]}
    assert house.log_in("wu", form={"next": back}).headers["location"] == back
    assert house.code({}) == "unauthenticated"


def test_a_new_login_ends_the_session_before_it(house: House) -> None:
    house.add("zheng")
    first = house.entered("zheng")
    again = house.log_in("zheng", headers=first)
    second = SAME | {"Cookie": f"{COOKIE}={again.cookies[COOKIE]}"}
    assert first != second
    assert (house.code(first), house.code(second)) == ("unauthenticated", 204)


def test_nobody_chooses_their_token(house: House) -> None:
    house.add("feng")
    given = {"Cookie": f"{COOKIE}=chosen-by-somebody"}
    assert house.log_in("feng", headers=given).cookies[COOKIE] != "chosen-by-somebody"
    assert house.code(SAME | given) == "unauthenticated"


def test_logging_out(house: House) -> None:
    house.add("chen")
    one, other = house.entered("chen"), house.entered("chen")
    answer = house.post("/logout", one)
    assert (answer.status_code, answer.headers["location"]) == (303, "/login")
    assert f'{COOKIE}="";' in answer.headers["set-cookie"]
    assert "Max-Age=0" in answer.headers["set-cookie"]
    assert (house.code(one), house.code(other)) == ("unauthenticated", 204)
    assert house.records("chen")[-1] == "logout"
    assert house.post("/logout", one).status_code == 303
    assert house.records("chen").count("logout") == 1


def test_changing_the_password(house: House) -> None:
    house.add("chu")
    mine, elsewhere = house.entered("chu"), house.entered("chu")

    def change(old: str, new: str, again: str) -> str:
        answer = house.post("/password", mine, old=old, new=new, again=again)
        assert answer.status_code == 303
        return str(answer.headers["location"])

    assert change(PASSWORD, ANOTHER, ANOTHER + "x") == "/password?fault=differ"
    assert change(PASSWORD, PASSWORD, PASSWORD) == "/password?fault=same"
    assert change("wrong", ANOTHER, ANOTHER) == "/password?fault=wrong"
    assert change(PASSWORD, "短", "短") == "/password?fault=short"
    assert house.code(mine) == 204
    assert change(PASSWORD, ANOTHER, ANOTHER) == "/login?changed=1"
    assert (house.code(mine), house.code(elsewhere)) == ("unauthenticated",) * 2
    assert "fault" in house.log_in("chu").headers["location"]
    assert "fault" not in house.log_in("chu", ANOTHER).headers["location"]
    told = house.records("chu")
    assert told.count("password") == 1
    assert told.count("password_check_failed") == 1
    assert change(ANOTHER, PASSWORD, PASSWORD) == "/login?next=/password"


def test_the_first_password_opens_only_its_own_change(house: House) -> None:
    file = house.store.state / users.FIRST_FILE
    file.write_text("x")
    house.add(users.FIRST, Role.ADMIN, must_change=True)
    first = house.log_in(users.FIRST, form={"next": "/users"})
    assert first.headers["location"] == "/password"
    headers = SAME | {"Cookie": f"{COOKIE}={first.cookies[COOKIE]}"}
    assert house.code(headers) == "password_change"
    led = house.client.get("/users", headers=headers, follow_redirects=False)
    assert urlsplit(led.headers["location"]).path == "/password"
    assert house.client.get("/password", headers=headers).status_code == 200
    house.post("/password", headers, old=PASSWORD, new=ANOTHER, again=ANOTHER)
    assert not file.exists()
    opened = house.log_in(users.FIRST, ANOTHER, form={"next": "/users"})
    assert opened.headers["location"] == "/users"


def test_a_session_runs_out(house: House) -> None:
    headers = session(house.store, "wei", Role.LEAD)

    def set_back(**given: timedelta) -> None:
        past = {name: datetime.now(UTC) - ago for name, ago in given.items()}
        with house.store.database.write() as connection:
            connection.execute(update(kept).where(mine).values(**past))

    token = headers["Cookie"].partition("=")[2]
    mine = kept.c.hash == sessions._digest(token)
    set_back(seen_at=sessions.IDLE - timedelta(minutes=1))
    # An open page asks for this by itself, though nobody is there.
    assert house.client.get("/queue/counts", headers=headers).status_code == 200
    with house.store.database.read() as connection:
        noted = connection.scalar(select(kept.c.seen_at).where(mine))
    assert noted is not None
    assert datetime.now(UTC) - noted > timedelta(hours=1)
    assert house.code(headers) == 204
    with house.store.database.read() as connection:  # it was noted that it is in use
        seen = connection.scalar(select(kept.c.seen_at).where(mine))
    assert seen is not None
    assert datetime.now(UTC) - seen < timedelta(minutes=1)
    set_back(seen_at=sessions.IDLE)
    assert house.code(headers) == "unauthenticated"
    set_back(seen_at=timedelta(), expires_at=timedelta())
    assert house.code(headers) == "unauthenticated"


def test_who_is_deactivated_is_out_at_once(house: House) -> None:
    headers = session(house.store, "jiang", Role.REVIEWER, Department.CIVIL)
    admin = session(house.store, "guan", Role.ADMIN)
    assert house.code(headers) == 204
    gone = house.client.patch("/v1/users/jiang", json={"active": False}, headers=admin)
    assert gone.status_code == 200
    assert house.code(headers) == "unauthenticated"


@pytest.mark.parametrize(
    ("told", "comes_in"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, True),
        ({"Sec-Fetch-Site": "none"}, True),
        ({"Sec-Fetch-Site": "same-site"}, False),
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Sec-Fetch-Site": ""}, False),
        ({"Sec-Fetch-Site": "cross-site", "Origin": f"https://{HOST}"}, False),
        ({"Origin": f"https://{HOST}"}, True),
        ({"Origin": f"https://{HOST}:8443"}, False),
        ({"Origin": f"https://{HOST}.evil.test"}, False),
        ({"Origin": f"https://evil.test/{HOST}"}, False),
        ({"Origin": "https://[::1"}, False),
        ({"Origin": "null"}, False),
        ({"Origin": ""}, False),
        ({"Referer": f"https://{HOST}/queue"}, False),
        ({}, False),
    ],
)
def test_other_sites_change_nothing(house: House, told: dict[str, str], comes_in: bool) -> None:
    name = new_id()
    cookie = {"Cookie": session(house.store, name, Role.ADMIN)["Cookie"]}
    assert house.code(cookie | told) == (204 if comes_in else "cross_site")
    # Looking changes nothing.
    assert house.client.get("/v1/reviews", headers=cookie | told).status_code == 200
    requests = [("POST", "/v1/users"), ("PATCH", f"/v1/users/{name}"), ("DELETE", "/v1/keys/none")]
    requests += [("POST", path) for path in ("/login", "/logout", "/password")]
    if not comes_in:
        for method, path in requests:
            answer = house.client.request(method, path, json={}, headers=cookie | told)
            # A form without its fields: what is missing is said before who asks.
            assert answer.status_code in (403, 422), path
        assert house.code(cookie | SAME) == 204  # nobody was logged out
        assert house.code(cookie | told, "/logout") == "cross_site"
        assert house.code(cookie | told, "/login") == "cross_site"
        assert house.code(cookie | told, "/password") == "cross_site"


def test_pages_are_not_kept_in_caches(house: House) -> None:
    headers = session(house.store, "han", Role.LEAD)
    for path in ("/queue", "/login", "/v1/reviews"):
        answer = house.client.get(path, headers=headers, follow_redirects=False)
        assert answer.headers["cache-control"] == "no-store", path
