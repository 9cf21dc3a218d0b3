"""The front door, and the pages about people. What their forms do is in `serving.entrance`."""

from __future__ import annotations

from typing import Final

from fastapi import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from serving.access import Administering, Known, StoreOf, user_of
from serving.entrance import local_path
from serving.pages.render import page
from serving.pages.routing import page_router
from serving.store import users
from serving.store.actors import ROLE_NAMES, Permission
from serving.store.passwords import SHORTEST
from triage.labels import DEPARTMENTS

_FAULTS: Final = {
    "login_wrong": "用户名或密码不对；连续输错五次，账号锁定十五分钟。",
    "wrong": "现在的密码不对；连续输错五次，账号锁定十五分钟。",
    "login_busy": "此刻登录的人太多，请过一会儿再试。",
    "busy": "此刻登录的人太多，请过一会儿再试。",
    "differ": "两次输入的新密码不一样。",
    "same": "新密码不能与现在的一样。",
    "short": f"新密码至少 {SHORTEST} 个字符。",
}

router = page_router()


@router.get("/")
def front(actor: Known) -> RedirectResponse:
    """Where a person's work is."""
    ways = ((Permission.REVIEW, "/queue"), (Permission.ADMIN, "/users"))
    return RedirectResponse(next((to for may, to in ways if actor.may(may)), "/help"), 303)


@router.get("/login")
def login(request: Request, store: StoreOf) -> Response:
    """The form, with an invitation; who has logged in goes on."""
    target = local_path(request.query_params.get("next", ""))
    user = user_of(request, store)
    if user is not None:
        return RedirectResponse("/password" if user.must_change else target, 303)
    given = request.query_params
    return page(
        request,
        "login.html",
        next=target,
        error=_FAULTS.get(f"login_{given.get('fault')}", ""),
        changed="changed" in given,
    )


@router.get("/password")
def password(request: Request, store: StoreOf) -> Response:
    """The form to change one's own password, open to those who must."""
    user = user_of(request, store)
    if user is None:
        return RedirectResponse("/login?next=%2Fpassword", 303)
    return page(
        request,
        "password.html",
        user.actor,
        must_change=user.must_change,
        error=_FAULTS.get(request.query_params.get("fault", ""), ""),
        shortest=SHORTEST,
    )


@router.get("/users")
def people(request: Request, store: StoreOf, actor: Administering) -> HTMLResponse:
    """Everybody, and the forms that change what they may do."""
    with store.database.read() as connection:
        everybody = users.all_users(connection)
    return page(
        request, "users.html", actor, users=everybody, roles=ROLE_NAMES, departments=DEPARTMENTS
    )
