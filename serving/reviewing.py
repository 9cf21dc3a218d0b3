"""What the addresses for reviewers have in common: transactions, versions, refusals."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from typing import Annotated, Any, Final

from fastapi import Header, Path, Request, Response

from serving.problems import DESCRIBED, MEDIA_TYPE, ProblemError
from serving.review_schemas import Conflict, CorrectionOut
from serving.store.cursors import CursorError
from serving.store.errors import NotFoundError
from serving.store.labels import LabelError
from serving.store.reviews import ConflictError, ReusedError
from triage.io.messages import Fault

_VERSION: Final = re.compile(r'"(0|[1-9][0-9]{0,8})"', re.ASCII)
_TEXTS: Final = {
    400: "`invalid_json`",
    401: "`unauthenticated`",
    403: "`forbidden` or `cross_site`",
    404: "`not_found` or `storing_off`",
    409: "`duplicate` or `reused_id`",
    429: "`too_many_requests`",
    422: "A parameter or the body is not valid",
    503: "`storing_failed`",
}
REFUSALS: Final[dict[int | str, dict[str, Any]]] = {
    status: {"description": text, **DESCRIBED} for status, text in _TEXTS.items()
}
CONFLICTS: Final[dict[int | str, dict[str, Any]]] = {
    **REFUSALS,
    412: {"description": "`conflict`", "model": Conflict, "content": {MEDIA_TYPE: {}}},
}
VERSIONED: Final[dict[int | str, dict[str, Any]]] = {
    **CONFLICTS,
    428: {"description": "`precondition_required`", **DESCRIBED},
}

MessageId = Annotated[int, Path(ge=1, lt=2**63)]
IfMatch = Annotated[
    str | None,
    Header(alias="If-Match", description='The version that was seen, as the ETag gave it: `"3"`.'),
]


@contextlib.contextmanager
def refusing() -> Iterator[None]:
    """What the store refuses, as a problem."""
    try:
        yield
    except NotFoundError:
        detail = "There is no such message or decision, or it is not yours to see."
        raise ProblemError("not_found", detail) from None
    except LabelError as error:
        fault = Fault(error.field, str(error))
        raise ProblemError("invalid_label", faults=(fault,)) from None
    except CursorError as error:
        raise ProblemError("invalid_parameter", faults=(Fault("cursor", str(error)),)) from None
    except ReusedError:
        raise ProblemError("reused_id") from None


def version_of(if_match: str | None) -> int:
    """The version that a client saw.

    Raises:
        ProblemError: it names none, or not one.
    """
    if if_match is None:
        raise ProblemError("precondition_required")
    given = _VERSION.fullmatch(if_match.strip())
    if given is None:
        fault = Fault("If-Match", 'must be one version in quotation marks, such as "3"')
        raise ProblemError("invalid_parameter", faults=(fault,))
    return int(given[1])


def etag(response: Response, version: int) -> None:
    """Tell the version."""
    response.headers["ETag"] = f'"{version}"'


def conflict(request: Request, error: ConflictError) -> Response:
    """Both versions, so that a person can choose."""
    told = ProblemError("conflict", f"{str(error).capitalize()}.").problem(request.state.request_id)
    request.scope["triage.code"] = told.code
    latest = error.latest and CorrectionOut.of(error.latest)
    shown = Conflict(**told.model_dump(), version=error.version, latest=latest)
    response = Response(shown.model_dump_json(), told.status, media_type=MEDIA_TYPE)
    etag(response, error.version)
    return response
