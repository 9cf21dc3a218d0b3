"""The OpenAPI description and its page, which needs nothing from the internet."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

from fastapi import APIRouter, FastAPI, Request
from fastapi.openapi.utils import get_openapi
from fastapi.responses import HTMLResponse, JSONResponse
from fastapi.staticfiles import StaticFiles
from pydantic.json_schema import models_json_schema

from serving.examples import batch_example, decision_example, request_examples
from serving.problems import MEDIA_TYPE
from serving.schemas import Batch
from triage.types import Message

STATIC: Final = Path(__file__).parent / "static"
TITLE: Final = "e站 triage"
_DESCRIPTION: Final = """
为留言分派部门（民事检察、行政检察、公益诉讼检察、控告申诉检察），并标出紧急事项。

Routes citizens' messages to a procuratorate's departments and flags the urgent ones. Errors are
RFC 9457 problem details; `GET /v1/problems` lists their codes. `X-Request-ID` is accepted and
returned. Nothing that a citizen wrote is logged.
"""
_PAGE: Final = f"""<!doctype html>
<html lang="zh-CN">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{TITLE}</title>
<link rel="icon" href="static/favicon.png">
<link rel="stylesheet" href="static/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="static/swagger-ui-bundle.js"></script>
<script src="static/docs.js"></script>
</body>
</html>
"""
_POLICY: Final = "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'"

router = APIRouter(include_in_schema=False)


def release() -> str:
    """The version of the installed distribution."""
    try:
        return version("estation-triage")
    except PackageNotFoundError:
        return "0+unknown"


@router.get("/docs")
async def page() -> HTMLResponse:
    """The interactive description."""
    return HTMLResponse(_PAGE, headers={"Content-Security-Policy": _POLICY})


@router.get("/openapi.json")
def description(request: Request) -> JSONResponse:
    """The OpenAPI description, built once; not async, so that it is off the event loop."""
    app: FastAPI = request.app
    if app.openapi_schema is None:
        app.openapi_schema = build_openapi(app)
    return JSONResponse(app.openapi_schema)


def add_docs(app: FastAPI) -> None:
    """Add the page, its files and the description."""
    app.include_router(router)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")


def build_openapi(app: FastAPI) -> dict[str, Any]:
    """FastAPI's description, completed by the request bodies that the service reads itself."""
    schema = get_openapi(
        title=TITLE,
        version=release(),
        description=_DESCRIPTION,
        routes=app.routes,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
    )
    _, bodies = models_json_schema(
        [(Message, "validation"), (Batch, "validation")],
        ref_template="#/components/schemas/{model}",
    )
    text = bodies["$defs"]["Message"]["properties"]["text"]
    text |= {"pattern": r"\S", "description": "Some of it must be visible."}
    schema["components"]["schemas"] |= bodies["$defs"]
    single, batch = (schema["paths"][p]["post"] for p in ("/v1/classify", "/v1/classify/batch"))
    single["requestBody"] = _body("Message", request_examples())
    batch["requestBody"] = _body("Batch", {"batch": {"value": batch_example()}})
    single["responses"]["200"]["content"]["application/json"]["example"] = decision_example()
    for operations in schema["paths"].values():
        for operation in operations.values():
            _as_problems(operation["responses"])
    return schema


def _body(model: str, examples: dict[str, object]) -> dict[str, object]:
    content = {"schema": {"$ref": f"#/components/schemas/{model}"}, "examples": examples}
    return {"required": True, "content": {"application/json": content}}


def _as_problems(responses: dict[str, Any]) -> None:
    """FastAPI describes every model under application/json; errors have their own type."""
    for status, response in responses.items():
        if status >= "4" and "application/json" in response["content"]:
            response["content"] = {MEDIA_TYPE: response["content"]["application/json"]}
