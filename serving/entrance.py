"""Logging in and out, and changing one's own password: what the forms of the pages do."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Request, Response
from starlette.responses import RedirectResponse

from serving.access import COOKIE, StoreOf, check_origin, user_of
from serving.store import sessions, users
from serving.store.passwords import BusyError, PasswordError, hashed

router = APIRouter(include_in_schema=False)

_Password = Annotated[str, Form(max_length=1_000)]


def local_path(given: str) -> str:
    """Where to go after logging in: a page of this service and nothing else."""
    if not given.startswith("/") or given.startswith(("//", "/\\")) or not given.isprintable():
        return "/"
    return given


@router.post("/login")
def login(
    request: Request,
    store: StoreOf,
    name: Annotated[str, Form(max_length=200)] = "",
    password: _Password = "",
    next: Annotated[str, Form(max_length=2_000)] = "/",  # noqa: A002 - the field's name
) -> Response:
    """Check name and password, set the cookie, go on to the page that was asked for."""
    check_origin(request)
    now = datetime.now(UTC)
    try:
        user = users.check(store, name, password, now)
    except BusyError:
        user, fault = None, "busy"
    else:
        fault = "wrong"
    if user is None:
        query = urlencode({"fault": fault, "next": local_path(next)})
        return RedirectResponse(f"/login?{query}", 303)
    with store.database.write() as connection:
        if old := request.cookies.get(COOKIE):
            sessions.end(connection, old)
        token = sessions.start(connection, user.id, now)
    response = RedirectResponse("/password" if user.must_change else local_path(next), 303)
    response.set_cookie(
        COOKIE, token, max_age=int(sessions.LONGEST.total_seconds()), secure=True, httponly=True,
        samesite="lax", path="/",
    )  # fmt: skip
    return response


@router.post("/logout")
def logout(request: Request, store: StoreOf) -> Response:
    """End the session."""
    check_origin(request)
    user = user_of(request, store)
    if user:
        with store.database.write() as connection:
            sessions.end(connection, request.cookies[COOKIE])
            store.audit.append(connection, user.actor.name, "logout", f"user:{user.name}")
    response = RedirectResponse("/login", 303)
    response.delete_cookie(COOKIE, secure=True, httponly=True, samesite="lax", path="/")
    return response


@router.post("/password")
def password(
    request: Request,
    store: StoreOf,
    old: _Password = "",
    new: _Password = "",
    again: _Password = "",
) -> Response:
    """Change the own password; other sessions end, and one logs in again."""
    check_origin(request)
    user = user_of(request, store)
    if user is None:
        return RedirectResponse("/login?next=/password", 303)
    if new != again:
        return RedirectResponse("/password?fault=differ", 303)
    if new == old:
        return RedirectResponse("/password?fault=same", 303)
    try:
        if users.check(store, user.name, old, datetime.now(UTC), "password_check") is None:
            return RedirectResponse("/password?fault=wrong", 303)
        made = hashed(new)
    except PasswordError:
        return RedirectResponse("/password?fault=short", 303)
    except BusyError:
        return RedirectResponse("/password?fault=busy", 303)
    with store.database.write() as connection:
        users.set_password(connection, store.audit, user.actor, user.name, made, must_change=False)
    users.forget_first(store, user.name)
    return RedirectResponse("/login?changed=1", 303)
