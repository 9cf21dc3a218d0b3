"""Logging in and out, and the accounts of people and programs, for administrators."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Path, Request, Response
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictBool
from starlette.responses import RedirectResponse

from serving.access import (
    COOKIE,
    Administering,
    StoreOf,
    check_origin,
    user_of,
)
from serving.problems import ProblemError
from serving.reviewing import REFUSALS
from serving.store import keys, sessions, users
from serving.store.actors import Permission, Role
from serving.store.errors import DuplicateError, NotFoundError
from serving.store.users import PasswordError, User
from triage.io.messages import Fault
from triage.types import Department, Timestamp

router = APIRouter()
pages = APIRouter(include_in_schema=False)

_Password = Annotated[str, Form(max_length=1_000)]
_Name = Annotated[str, Path(max_length=64)]


def _number(value: object) -> object:
    """Refuse what Pydantic would take for a number."""
    if isinstance(value, str | bool):
        raise ValueError("must be a number")
    return value


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid")


class UserOut(_Shape):
    """A person as administrators see them."""

    name: str
    shown: str
    role: Role
    departments: list[Department]
    must_change: bool
    active: bool
    locked_until: datetime | None

    @classmethod
    def of(cls, user: User) -> UserOut:
        """From the store."""
        return cls(name=user.name, shown=user.shown, role=user.role,
                   departments=list(user.departments), must_change=user.must_change,
                   active=user.active, locked_until=user.locked_until)  # fmt: skip


class NewUser(_Shape):
    """A person to add."""

    name: str = Field(pattern=r"^[\w.@-]{1,50}$")
    shown: str = Field(default="", max_length=64)
    role: Role
    departments: list[Department] = []


class UserChange(_Shape):
    """What is to change; what is left out stays. `reset` gives a new password."""

    role: Role | None = None
    departments: list[Department] | None = None
    active: StrictBool | None = None
    reset: StrictBool = False


class Password(_Shape):
    """A password that is shown once; it must be changed at the first login."""

    password: str


class KeyOut(_Shape):
    """A key as administrators see it; itself it is shown once."""

    name: str
    scopes: list[Permission]
    sees_personal: bool
    per_minute: int | None
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None


class NewKey(_Shape):
    """A key to make."""

    name: str = Field(pattern=r"^[\w.@-]{1,50}$")
    scopes: list[Permission] = Field(min_length=1)
    sees_personal: StrictBool = False
    per_minute: Annotated[int, Field(ge=1, le=1_000_000), BeforeValidator(_number)] | None = None
    expires_at: Timestamp | None = None


class KeyMade(_Shape):
    """The key, for the only time."""

    key: str


def local_path(given: str) -> str:
    """Where to go after logging in: a page of this service and nothing else."""
    if not given.startswith("/") or given.startswith(("//", "/\\")) or not given.isprintable():
        return "/"
    return given


@pages.post("/login")
def login(
    request: Request,
    store: StoreOf,
    name: Annotated[str, Form(max_length=200)] = "",
    password: _Password = "",
    next: Annotated[str, Form(max_length=2_000)] = "/",  # noqa: A002 - the field's name
) -> Response:
    """Check name and password, set the cookie, go on to the page that was asked for."""
    check_origin(request)
    now = datetime.now(UTC)
    user = users.check(store, name, password, now)
    if user is None:
        query = urlencode({"fault": "wrong", "next": local_path(next)})
        return RedirectResponse(f"/login?{query}", 303)
    with store.database.write() as connection:
        if old := request.cookies.get(COOKIE):
            sessions.end(connection, old)
        token = sessions.start(connection, user.id, now)
    response = RedirectResponse("/password" if user.must_change else local_path(next), 303)
    response.set_cookie(
        COOKIE, token, max_age=int(sessions.LONGEST.total_seconds()), secure=True, httponly=True,
        samesite="lax", path="/",
    )  # fmt: skip
    return response


@pages.post("/logout")
def logout(request: Request, store: StoreOf) -> Response:
    """End the session."""
    check_origin(request)
    user = user_of(request, store)
    if user:
        with store.database.write() as connection:
            sessions.end(connection, request.cookies[COOKIE])
            store.audit.append(connection, user.actor.name, "logout", f"user:{user.name}")
    response = RedirectResponse("/login", 303)
    response.delete_cookie(COOKIE, secure=True, httponly=True, samesite="lax", path="/")
    return response


@pages.post("/password")
def password(
    request: Request,
    store: StoreOf,
    old: _Password = "",
    new: _Password = "",
    again: _Password = "",
) -> Response:
    """Change the own password; other sessions end, and one logs in again."""
    check_origin(request)
    user = user_of(request, store)
    if user is None:
        return RedirectResponse("/login?next=/password", 303)
    if new != again:
        return RedirectResponse("/password?fault=differ", 303)
    if new == old:
        return RedirectResponse("/password?fault=same", 303)
    if users.check(store, user.name, old, datetime.now(UTC)) is None:
        return RedirectResponse("/password?fault=wrong", 303)
    try:
        made = users.hashed(new)
    except PasswordError:
        return RedirectResponse("/password?fault=short", 303)
    with store.database.write() as connection:
        users.set_password(connection, store.audit, user.actor, user.name, made, must_change=False)
    users.forget_first(store, user.name)
    return RedirectResponse("/login?changed=1", 303)


def _refused(error: ValueError) -> ProblemError:
    return ProblemError("invalid_account", faults=(Fault("body", str(error)),))


@router.get("/v1/users", tags=["accounts"], summary="账号列表", responses=REFUSALS)
def list_users(store: StoreOf, _: Administering) -> list[UserOut]:
    """Everybody, those who left too."""
    with store.database.read() as connection:
        return [UserOut.of(user) for user in users.all_users(connection)]


@router.post(
    "/v1/users", tags=["accounts"], summary="新增账号", status_code=201, responses=REFUSALS
)
def add_user(store: StoreOf, actor: Administering, given: NewUser) -> Password:
    """Add a person; the answer has the first password, shown once."""
    first = users.generated()
    made = users.hashed(first)
    try:
        with store.database.write() as connection:
            users.create(connection, store.audit, actor, given.name, given.role,
                         given.departments, made, shown=given.shown)  # fmt: skip
    except ValueError as error:
        raise _refused(error) from None
    except DuplicateError:
        raise ProblemError("duplicate") from None
    return Password(password=first)


@router.patch("/v1/users/{name}", tags=["accounts"], summary="更改账号", responses=REFUSALS)
def change_user(
    store: StoreOf, actor: Administering, name: _Name, given: UserChange
) -> Password | None:
    """Change role, departments or activity, or give a new password; their sessions end."""
    first = users.generated() if given.reset else None
    made = users.hashed(first) if first else None
    try:
        with store.database.write() as connection:
            if given.model_fields_set - {"reset"}:
                users.change(connection, store.audit, actor, name, role=given.role,
                             departments=given.departments, active=given.active)  # fmt: skip
            if made:
                users.set_password(connection, store.audit, actor, name, made, must_change=True)
    except ValueError as error:
        raise _refused(error) from None
    except NotFoundError:
        raise ProblemError("not_found", "There is no such user.") from None
    return Password(password=first) if first else None


@router.get("/v1/keys", tags=["accounts"], summary="接口密钥列表", responses=REFUSALS)
def list_keys(store: StoreOf, _: Administering) -> list[KeyOut]:
    """All keys, revoked ones too, never the keys themselves."""
    with store.database.read() as connection:
        found = keys.all_keys(connection)
    return [
        KeyOut(name=key.name, scopes=list(key.scopes), sees_personal=key.sees_personal,
               per_minute=key.per_minute, created_at=key.created_at, expires_at=key.expires_at,
               revoked_at=key.revoked_at)
        for key in found
    ]  # fmt: skip


@router.post(
    "/v1/keys", tags=["accounts"], summary="新增接口密钥", status_code=201, responses=REFUSALS
)
def add_key(store: StoreOf, actor: Administering, given: NewKey) -> KeyMade:
    """Make a key; the answer has it, shown once."""
    try:
        with store.database.write() as connection:
            made = keys.add(
                connection, store.audit, actor, given.name, given.scopes, now=datetime.now(UTC),
                expires_at=given.expires_at, per_minute=given.per_minute,
                sees_personal=given.sees_personal,
            )  # fmt: skip
    except ValueError as error:
        raise _refused(error) from None
    except DuplicateError:
        raise ProblemError("duplicate") from None
    return KeyMade(key=made)


@router.delete(
    "/v1/keys/{name}", tags=["accounts"], summary="撤销接口密钥", status_code=204,
    responses=REFUSALS,
)  # fmt: skip
def revoke_key(store: StoreOf, actor: Administering, name: _Name) -> None:
    """Let a key open nothing any more; every service knows within five seconds."""
    try:
        with store.database.write() as connection:
            keys.revoke(connection, store.audit, actor, name, datetime.now(UTC))
    except NotFoundError:
        raise ProblemError("not_found", "There is no such key in use.") from None
