"""How a page is made: its template, its policy, and what every page shows."""

from __future__ import annotations

import secrets
from functools import cache
from pathlib import Path
from typing import Final

from fastapi import Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse

from serving.pages import words
from serving.pages.assets import asset_url
from serving.pages.marking import plain
from serving.store.actors import Actor, Permission

_TEMPLATES: Final = Path(__file__).parent / "templates"
_POLICY: Final = (
    "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS: Final = {
    # What is shown is somebody's letter: neither kept by the browser nor told to other sites.
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_MENU: Final = (
    ("/queue", "队列", Permission.REVIEW),
    ("/deadlines", "期限", Permission.REVIEW),
    ("/hot", "热点问题", Permission.REVIEW),
    ("/statistics", "统计", Permission.STATISTICS),
    ("/users", "用户", Permission.ADMIN),
)


@cache
def environment() -> Environment:
    """The templates; what is put into them is escaped."""
    made = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.globals["asset"] = asset_url
    made.filters.update(words.FILTERS, plain=plain)
    return made


def page(
    request: Request, template: str, actor: Actor | None = None, status: int = 200, **given: object
) -> HTMLResponse:
    """A page for `actor` (None: nobody has logged in), from one of the templates."""
    nonce = secrets.token_urlsafe(16)
    menu = [(to, name) for to, name, asked in _MENU if actor and actor.may(asked)]
    shown = environment().get_template(template)
    text = shown.render(
        nonce=nonce,
        actor=actor,
        who=words.person(actor.name) if actor else "",
        menu=menu,
        path=request.url.path,
        **given,
    )
    policy = {"Content-Security-Policy": _POLICY.format(nonce=nonce)}
    return HTMLResponse(text, status, headers=_HEADERS | policy)
