"""Who may do what at which address: written down here a second time, apart from the service."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from serving.pages.assets import asset_url
from tests.store.people import new_id

MAY: Final[dict[str, set[str]]] = {
    "own reviewer": {"review"},
    "other reviewer": {"review"},
    "lead": {"review", "statistics"},
    "scientist": {"export"},
    "admin": {"review", "statistics", "export", "admin"},
    "newcomer": set(),
    "nobody": set(),
    "leaver": set(),
    "key expired": set(),
    "key revoked": set(),
    "key made up": set(),
    "key classify": {"classify"},
    "key review": {"review"},
    "key export": {"export"},
    "key admin": {"admin"},
}
"""People and programs, and what they may. The newcomer, an admin, has the first password yet; the
other reviewer has another department than the objects. The leaver, an admin, was deactivated; the
expired key and the revoked one opened everything."""

STRANGERS: Final = {"nobody", "leaver", "key expired", "key revoked", "key made up"}
"""Whom nobody knows, or nobody knows any more."""

_names = (f"made-{number}" for number in itertools.count())


@dataclass(frozen=True)
class Target:
    """What a request is about: all of it belongs to the department of `own reviewer`."""

    message: int
    issue: int
    correction: str
    person: str
    key: str


Given = dict[str, Any]


@dataclass(frozen=True)
class Rule:
    """Who may use an address, how it is asked, and what it answers to those who may.

    `needs`: a permission; `anybody`; `known`: whoever it is known who asks. `given`: what is sent.
    `has_object`: what it is about does not exist for another department.
    """

    needs: str
    status: int | tuple[int, ...] = 200
    given: Callable[[Target], Given] = field(default=lambda _: {})
    has_object: bool = False
    is_page: bool = False


def _page(needs: str = "review", **given: Any) -> Rule:
    return Rule(needs, is_page=True, **given)


def _verdict(_: Target) -> Given:
    body = {"id": new_id(), "department": "none", "urgent": False}
    return {"json": body, "headers": {"If-Match": '"0"'}}


def _task(target: Target) -> Given:
    choice = {"from_name": "department", "to_name": "text", "type": "choices"}
    result = choice | {"value": {"choices": ["无可办理事项"]}}
    data = {"message_id": target.message, "version": 0}
    annotations = [{"result": [result], "was_cancelled": False}]
    return {"json": [{"id": 1, "data": data, "annotations": annotations}]}


def _message(_: Target) -> Given:
    return {"json": {"text": "门口的路灯坏了"}}


RULES: Final[dict[tuple[str, str], Rule]] = {
    ("GET", "/livez"): Rule("anybody"),
    ("GET", "/readyz"): Rule("anybody"),
    ("GET", "/metrics"): Rule("anybody"),
    ("GET", "/docs"): Rule("anybody"),
    ("GET", "/openapi.json"): Rule("anybody"),
    ("GET", "/static"): Rule("anybody", given=lambda _: {"path": "/static/docs.js"}),
    ("GET", "/assets/{mark}/{name:path}"): Rule(
        "anybody", given=lambda _: {"path": asset_url("app.css")}
    ),
    ("GET", "/v1/departments"): Rule("anybody"),
    ("GET", "/v1/problems"): Rule("anybody"),
    ("POST", "/v1/classify"): Rule("classify", given=_message),
    ("POST", "/v1/classify/batch"): Rule(
        "classify", given=lambda _: {"json": {"messages": [{"text": "门口的路灯坏了"}]}}
    ),
    ("GET", "/v1/users"): Rule("admin"),
    ("POST", "/v1/users"): Rule(
        "admin", 201, lambda _: {"json": {"name": next(_names), "role": "lead"}}
    ),
    ("PATCH", "/v1/users/{name}"): Rule("admin", given=lambda _: {"json": {"role": "scientist"}}),
    ("GET", "/v1/keys"): Rule("admin"),
    ("POST", "/v1/keys"): Rule(
        "admin", 201, lambda _: {"json": {"name": next(_names), "scopes": ["admin"]}}
    ),
    ("DELETE", "/v1/keys/{name}"): Rule(
        "admin", 204, lambda target: {"path": f"/v1/keys/{target.key}"}
    ),
    ("GET", "/v1/reviews"): Rule("review", given=lambda _: {"params": {"tab": "all"}}),
    ("POST", "/v1/reviews/next"): Rule("review", (200, 204)),
    ("GET", "/v1/reviews/undo"): Rule("review"),
    ("POST", "/v1/reviews/undo"): Rule(
        "review",
        given=lambda target: {"json": {"id": new_id(), "undoes": target.correction}},
        has_object=True,
    ),
    ("POST", "/v1/reviews/{message_id}"): Rule("review", given=_verdict, has_object=True),
    ("GET", "/v1/reviews/{message_id}/history"): Rule("review", has_object=True),
    ("POST", "/v1/reviews/{message_id}/lease"): Rule("review", has_object=True),
    # Whoever has no lease of a message is told the same, whether or not there is such a message.
    ("DELETE", "/v1/reviews/{message_id}/lease"): Rule("review", 204),
    ("GET", "/v1/messages/{message_id}"): Rule("review", has_object=True),
    ("POST", "/v1/messages/{message_id}/reveal"): Rule("review", has_object=True),
    ("POST", "/v1/messages/{message_id}/replies"): Rule(
        "review", given=lambda _: {"json": {"kind": "replied"}}, has_object=True
    ),
    ("GET", "/v1/hot-issues"): Rule("review"),
    ("GET", "/v1/hot-issues/{cluster_id}"): Rule("review", has_object=True),
    ("POST", "/v1/hot-issues/{cluster_id}/label"): Rule("review", given=_verdict, has_object=True),
    ("GET", "/v1/statistics"): Rule("statistics"),
    ("GET", "/v1/statistics.csv"): Rule("statistics"),
    ("GET", "/v1/exports"): Rule("export"),
    ("GET", "/v1/exports/label-studio.xml"): Rule("export"),
    ("POST", "/v1/imports/label-studio"): Rule("review", given=_task),
    ("GET", "/"): _page("known", status=303),
    ("GET", "/help"): _page("known"),
    ("GET", "/users"): _page("admin"),
    ("GET", "/queue"): _page(given=lambda _: {"params": {"tab": "all"}}),
    ("GET", "/queue/counts"): _page(),
    ("GET", "/queue/next"): _page(status=303),
    ("GET", "/messages/{number}"): _page(has_object=True),
    ("GET", "/deadlines"): _page(),
    ("GET", "/hot"): _page(),
    ("GET", "/hot/{cluster_id}"): _page(has_object=True),
    ("GET", "/statistics"): _page("statistics"),
}

DOORS: Final = {
    (method, f"/{name}") for method in ("GET", "POST") for name in ("login", "password")
}
DOORS.add(("POST", "/logout"))
"""Where those go of whom it is not known who they are."""
