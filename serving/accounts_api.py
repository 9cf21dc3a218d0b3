"""The accounts of people and programs, for administrators."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field, StrictBool

from serving.access import Administering, StoreOf
from serving.problems import ProblemError
from serving.reviewing import REFUSALS
from serving.store import keys, users
from serving.store.actors import Permission, Role
from serving.store.errors import DuplicateError, NotFoundError
from serving.store.passwords import generated, hashed
from serving.store.users import User
from triage.io.messages import Fault
from triage.types import Department, Number, Timestamp

router = APIRouter()

_Name = Annotated[str, Path(max_length=64)]


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
    per_minute: Annotated[int, Field(ge=1, le=1_000_000), Number] | None = None
    expires_at: Timestamp | None = None


class KeyMade(_Shape):
    """The key, for the only time."""

    key: str


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
    first = generated()
    made = hashed(first)
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
    first = generated() if given.reset else None
    made = hashed(first) if first else None
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
    if first:
        users.forget_first(store, name)
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
