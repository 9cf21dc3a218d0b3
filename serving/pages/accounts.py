"""The front door, and the pages about people. What their forms do is in `serving.accounts_api`."""

from __future__ import annotations

from fastapi import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from serving.access import Administering, Known, StoreOf, user_of
from serving.pages.render import page
from serving.pages.routing import page_router
from serving.store import users
from serving.store.actors import ROLE_NAMES, Actor, Permission
from triage.labels import DEPARTMENTS

router = page_router()


@router.get("/")
def front(actor: Known) -> RedirectResponse:
    """Where a person's work is."""
    ways = ((Permission.REVIEW, "/queue"), (Permission.ADMIN, "/users"))
    return RedirectResponse(next((to for may, to in ways if actor.may(may)), "/help"), 303)


@router.get("/login")
def login(request: Request, store: StoreOf) -> Response:
    """The form, with an invitation; who has logged in goes on."""
    target = local(request.query_params.get("next", ""))
    user = user_of(request, store)
    if user is not None:
        return RedirectResponse("/password" if user.must_change else target, 303)
    return login_form(request, target)


@router.get("/password")
def password(request: Request, store: StoreOf) -> Response:
    """The form to change one's own password, open to those who must."""
    user = user_of(request, store)
    if user is None:
        return RedirectResponse("/login?next=%2Fpassword", 303)
    return password_form(request, user.actor, must_change=user.must_change)


@router.get("/users")
def people(request: Request, store: StoreOf, actor: Administering) -> HTMLResponse:
    """Everybody, and the forms that change what they may do."""
    with store.database.read() as connection:
        everybody = users.all_users(connection)
    return page(
        request, "users.html", actor, users=everybody, roles=ROLE_NAMES, departments=DEPARTMENTS
    )


def login_form(
    request: Request, target: str, name: str = "", error: str = "", status: int = 200
) -> HTMLResponse:
    """The page to log in on; `error` says why it did not work."""
    return page(request, "login.html", status=status, next=target, name=name, error=error)


def password_form(
    request: Request,
    actor: Actor,
    *,
    must_change: bool = False,
    error: str = "",
    done: bool = False,
    status: int = 200,
) -> HTMLResponse:
    """The page to change one's password on."""
    shortest = users.SHORTEST
    return page(
        request, "password.html", actor, status,
        must_change=must_change, error=error, done=done, shortest=shortest,
    )  # fmt: skip


def local(target: str) -> str:
    """An address to go on to, if it is one of this service; else its front door."""
    is_path = target.startswith("/") and not target.startswith(("//", "/\\"))
    return target if is_path and target.isprintable() and "\\" not in target else "/"
