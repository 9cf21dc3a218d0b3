"""Style, scripts and libraries, at addresses that change with their content."""

from __future__ import annotations

import hashlib
import mimetypes
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from fastapi import APIRouter, Response

from serving.problems import ProblemError

_FOLDER: Final = Path(__file__).parent / "static"
_SHOWN: Final = frozenset({".css", ".js", ".svg"})
_FOR_EVER: Final = "public, max-age=31536000, immutable"

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Asset:
    """A file, as it was when it was first asked for; `address` names its content."""

    address: str
    content: bytes
    media_type: str


@cache
def assets() -> dict[str, Asset]:
    """All files by name, like `app.css` and `vendor/htmx.min.js`."""
    found = {}
    for path in sorted(_FOLDER.rglob("*")):
        if path.suffix not in _SHOWN:
            continue
        name, content = path.relative_to(_FOLDER).as_posix(), path.read_bytes()
        mark = hashlib.sha256(content).hexdigest()[:16]
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        found[name] = Asset(f"/assets/{mark}/{name}", content, kind)
    return found


def asset_url(name: str) -> str:
    """Where a page finds a file."""
    return assets()[name].address


@router.get("/assets/{mark}/{name:path}")
def asset(mark: str, name: str) -> Response:
    """One file. What has another content now is not found, so that nothing wrong is cached."""
    found = assets().get(name)
    if found is None or found.address != f"/assets/{mark}/{name}":
        raise ProblemError("not_found")
    headers = {"Cache-Control": _FOR_EVER, "X-Content-Type-Options": "nosniff"}
    return Response(found.content, media_type=found.media_type, headers=headers)
