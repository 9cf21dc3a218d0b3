"""The front door, and the pages about people. What their forms do is in `serving.accounts_api`."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request
from starlette.responses import HTMLResponse, RedirectResponse

from serving.access import Administering, StoreOf, allowed
from serving.pages.render import page
from serving.pages.routing import page_router
from serving.store import users
from serving.store.actors import ROLE_NAMES, Actor, Permission
from triage.labels import DEPARTMENTS

router = page_router()


@router.get("/")
def front(request: Request, actor: Known) -> RedirectResponse:
    """Where a person's work is."""
    ways = (
        (Permission.REVIEW, "/queue"),
        (Permission.STATISTICS, "/statistics"),
        (Permission.ADMIN, "/users"),
    )
    return RedirectResponse(next((to for may, to in ways if actor.may(may)), "/help"), 303)
