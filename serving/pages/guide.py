"""Help: the keys, and the guideline that labels follow."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final

from fastapi import Request
from starlette.responses import HTMLResponse

from serving.access import Known
from serving.pages.markdown import Block, blocks
from serving.pages.messages import DEPARTMENT_KEYS, REASON_KEYS
from serving.pages.render import page
from serving.pages.routing import page_router

# Beside the package in a checkout and in the image; an installed package may come without it.
_GUIDELINE: Final = Path(__file__).parents[2] / "docs" / "guideline.zh-CN.md"

router = page_router()


@router.get("/help")
def shown(request: Request, actor: Known) -> HTMLResponse:
    """Keys and guideline."""
    return page(
        request,
        "help.html",
        actor,
        department_keys=DEPARTMENT_KEYS,
        reason_keys=REASON_KEYS,
        guideline=_guideline(),
    )


@cache
def _guideline() -> list[Block]:
    try:
        return blocks(_GUIDELINE.read_text(encoding="utf-8"))
    except OSError:
        return []
