"""Routes whose refusals are pages too."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.responses import RedirectResponse

from serving.pages.render import page
from serving.problems import KINDS, ProblemError
from serving.reviewing import refusing

_WORDS: Final = {
    "not_found": ("没有这一页", "地址有误，或者这条留言不归您所在的部门办理。"),
    "forbidden": ("没有权限", "您的角色不能打开这一页；如有需要，请与管理员联系。"),
    "storing_off": ("未启用存储", "本服务启动时没有配置数据库，因此没有复核页面。"),
    "invalid_parameter": ("条件有误", "请检查筛选条件后重试，或从队列重新进入。"),
    "cross_site": ("请求来自别的网站", "请从本站页面重新操作。"),
}
_DOORS: Final = {"unauthenticated": "/login", "password_change": "/password"}
_OTHER: Final = ("出错了", "请稍后重试；如仍不行，请把编号告诉管理员。")


class PageRoute(APIRoute):
    """Shows a problem as a page; who must log in, or change the password first, is led there."""

    def get_route_handler(self) -> Callable[[Request], Awaitable[Response]]:  # type: ignore[override]
        """The handler, with problems caught."""
        handle = super().get_route_handler()

        async def shown(request: Request) -> Response:
            try:
                with refusing():
                    return await handle(request)
            except RequestValidationError:
                return _refused(request, ProblemError("invalid_parameter"))
            except ProblemError as problem:
                return _refused(request, problem)

        return shown


def page_router() -> APIRouter:
    """A router of pages; they are no part of the described interface."""
    return APIRouter(include_in_schema=False, route_class=PageRoute)


def _refused(request: Request, problem: ProblemError) -> Response:
    request.scope["triage.code"] = problem.code
    if problem.code in _DOORS:
        if request.headers.get("hx-request"):  # a part of a page: the whole page goes there
            return Response(status_code=401, headers={"HX-Refresh": "true"})
        return RedirectResponse(_DOORS[problem.code] + _back(request), 303)
    title, detail = _WORDS.get(problem.code, _OTHER)
    return page(
        request,
        "error.html",
        status=KINDS[problem.code].status,
        title=title,
        detail=detail,
        request_id=request.state.request_id,
    )


def _back(request: Request) -> str:
    """So that one comes back to the page that was asked for."""
    wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return "" if wanted == "/" else f"?{urlencode({'next': wanted})}"
