"""People who work here: role, departments, password, and what happens after wrong passwords."""

from __future__ import annotations

import os
import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Row, insert, select, update

from serving.store import actors
from serving.store.actors import COMMAND, Actor, Role
from serving.store.audit import Audit
from serving.store.errors import DuplicateError, NotFoundError
from serving.store.opening import Store
from serving.store.passwords import generated, hashed, matches
from serving.store.tables import sessions, users
from triage.types import Department

FAILURES: Final = 5
LOCKED: Final = timedelta(minutes=15)
FIRST: Final = "admin"
FIRST_FILE: Final = "first-admin-password"
_NAME: Final = re.compile(r"[\w.@-]{1,50}")
_SHOWN: Final = 64


@dataclass(frozen=True, slots=True)
class User:
    """A person. `departments` bind a reviewer; the others see all."""

    id: int
    name: str
    shown: str
    role: Role
    departments: tuple[Department, ...]
    must_change: bool
    active: bool
    locked_until: datetime | None

    @property
    def actor(self) -> Actor:
        """What they may do."""
        return actors.user(self.name, self.role, self.departments)


def user_of(row: Row[Any]) -> User:
    """From a row with the columns of `users`."""
    departments = tuple(Department(name) for name in row.departments)
    return User(row.id, row.name, row.shown, Role(row.role), departments,
                row.must_change, row.active, row.locked_until)  # fmt: skip


def all_users(connection: Connection) -> list[User]:
    """Everybody, those who left too, in the order of their names."""
    return [user_of(row) for row in connection.execute(select(users).order_by(users.c.name))]


def by_name(connection: Connection, name: str) -> User:
    """One user.

    Raises:
        NotFoundError: there is none of that name.
    """
    row = _row(connection, name)
    if row is None:
        raise NotFoundError("there is no such user")
    return user_of(row)


def _row(connection: Connection, name: str) -> Row[Any] | None:
    if not _NAME.fullmatch(name):  # PostgreSQL takes no NUL, not even in a question
        return None
    return connection.execute(select(users).where(users.c.name == name)).one_or_none()


def create(
    connection: Connection,
    audit: Audit,
    actor: Actor,
    name: str,
    role: Role,
    departments: Collection[Department],
    password_hash: str,
    *,
    shown: str = "",
    must_change: bool = True,
) -> int:
    """Add a user; returns the number.

    Raises:
        DuplicateError: the name is taken.
        ValueError: the name cannot be used, or a reviewer has no department.
    """
    if not _NAME.fullmatch(name):
        raise ValueError("a name has 1 to 50 letters, digits or . @ - _")
    if len(shown) > _SHOWN or not shown.isprintable():
        raise ValueError(f"shown has at most {_SHOWN} characters, all of them visible")
    if role is Role.REVIEWER and not departments:
        raise ValueError("a reviewer needs at least one department")
    if connection.scalar(select(users.c.id).where(users.c.name == name)):
        raise DuplicateError("the name is taken")
    added = connection.execute(
        insert(users).values(
            name=name,
            shown=shown or name,
            role=role.value,
            departments=[department.value for department in departments],
            password=password_hash,
            must_change=must_change,
            active=True,
            failures=0,
            created_at=datetime.now(UTC),
        )
    )
    audit.append(connection, actor.name, "user_add", f"user:{name}", role=role.value)
    key = added.inserted_primary_key
    assert key is not None
    return int(key[0])


def change(
    connection: Connection,
    audit: Audit,
    actor: Actor,
    name: str,
    *,
    role: Role | None = None,
    departments: Collection[Department] | None = None,
    active: bool | None = None,
) -> None:
    """Change what somebody may do; their sessions end.

    Raises:
        NotFoundError: there is no such user.
        ValueError: a reviewer would have no department, or no admin would be left.
    """
    # Held until the end: two admins who remove each other at one moment would both find the other.
    admins = (users.c.role == Role.ADMIN.value) & users.c.active
    kept = select(users.c.name).where(admins).order_by(users.c.id).with_for_update()
    others = set(connection.scalars(kept)) - {name}
    before = by_name(connection, name)
    new_role = role or before.role
    own = before.departments if departments is None else tuple(departments)
    stays = before.active if active is None else active
    if new_role is Role.REVIEWER and not own:
        raise ValueError("a reviewer needs at least one department")
    leaves = before.role is Role.ADMIN and before.active and not (stays and new_role is Role.ADMIN)
    if leaves and not others:
        raise ValueError("the last admin must stay")
    connection.execute(
        update(users)
        .where(users.c.id == before.id)
        .values(role=new_role.value, departments=[d.value for d in own], active=stays)
    )
    connection.execute(sessions.delete().where(sessions.c.user_id == before.id))
    audit.append(connection, actor.name, "user_change", f"user:{name}", role=new_role.value,
                 departments=" ".join(d.value for d in own), active=stays)  # fmt: skip


def set_password(
    connection: Connection, audit: Audit, actor: Actor, name: str, password_hash: str,
    *, must_change: bool,
) -> None:  # fmt: skip
    """Give a new password; all sessions of the user end, and a lock too.

    Raises:
        NotFoundError: there is no such user.
    """
    user = by_name(connection, name)
    connection.execute(
        update(users)
        .where(users.c.id == user.id)
        .values(password=password_hash, must_change=must_change, failures=0, locked_until=None)
    )
    connection.execute(sessions.delete().where(sessions.c.user_id == user.id))
    audit.append(connection, actor.name, "password", f"user:{name}", must_change=must_change)


def check(
    store: Store, name: str, password: str, now: datetime, action: str = "login"
) -> User | None:
    """Whose password it is; None where it is wrong, nobody's, or the account is locked.

    After five wrong ones in a row the account is locked for 15 minutes. Takes the same time for a
    name that does not exist. The audit chain gets `action`, or `action` and `_failed`.

    Raises:
        BusyError: too many are being checked.
    """
    with store.database.read() as connection:
        row = _row(connection, name)
    compared = row.password if row else None
    right = matches(password, compared)
    with store.database.write() as connection:
        if row is not None:
            row = connection.execute(
                select(users).where(users.c.id == row.id).with_for_update()
            ).one()
        locked = row is not None and row.locked_until is not None and now < row.locked_until
        right = right and row is not None and row.password == compared
        good = row is not None and right and row.active and not locked
        about = f"user:{row.name}" if row else "user:(unknown)"
        # A name that is none may be a password in the wrong field: it is not kept.
        store.audit.append(connection, about, action if good else f"{action}_failed", about,
                           locked=locked)  # fmt: skip
        if row is None or locked:
            return None
        failures = 0 if good else row.failures + 1
        until = now + LOCKED if failures >= FAILURES else None
        connection.execute(
            update(users)
            .where(users.c.id == row.id)
            .values(failures=0 if until else failures, locked_until=until)
        )
        return user_of(row) if good else None


def first_admin(store: Store) -> Path | None:
    """Where there is no admin yet, make one; returns the file that holds the password."""
    admins = select(users.c.id).where(users.c.role == Role.ADMIN.value).limit(1)
    with store.database.read() as connection:
        if connection.scalar(admins):
            return None
    password = generated()
    path = store.state / FIRST_FILE
    made = hashed(password)
    store.state.mkdir(parents=True, exist_ok=True)
    try:
        with store.database.write() as connection:
            if connection.scalar(admins):
                return None
            # The name is taken first: of several services that start at once, one goes on.
            create(connection, store.audit, COMMAND, FIRST, Role.ADMIN, (), made, shown="管理员")
            # Before the transaction ends: a password that nobody can read would lock all out.
            _write_privately(path, password + "\n")
    except DuplicateError:
        return None
    return path


def _write_privately(path: Path, text: str) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    with os.fdopen(os.open(path, flags, 0o600), "w", encoding="ascii") as file:
        path.chmod(0o600)  # of a file that was there
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def forget_first(store: Store, name: str) -> None:
    """Remove the file with the first password, once that password has been changed."""
    if name == FIRST:
        (store.state / FIRST_FILE).unlink(missing_ok=True)
