"""All addresses of the pages."""

from __future__ import annotations

from fastapi import APIRouter

from serving.pages import (
    accounts,
    assets,
    deadlines,
    guide,
    hot,
    messages,
    queue,
    statistics,
)

router = APIRouter(include_in_schema=False)
for part in (assets, accounts, queue, messages, deadlines, hot, statistics, guide):
    router.include_router(part.router)
