"""Who does something, and what they may: the one table of roles, scopes and permissions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from triage.labels import DEPARTMENTS
from triage.types import Department


class Permission(StrEnum):
    """What an endpoint asks for. The names are the scopes of an API key."""

    CLASSIFY = "classify"
    REVIEW = "review"
    STATISTICS = "statistics"
    EXPORT = "export"
    ADMIN = "admin"


class Role(StrEnum):
    """What a person is."""

    REVIEWER = "reviewer"
    LEAD = "lead"
    SCIENTIST = "scientist"
    ADMIN = "admin"


ROLE_NAMES: Final = {
    Role.REVIEWER: "分流员",
    Role.LEAD: "负责人",
    Role.SCIENTIST: "数据人员",
    Role.ADMIN: "管理员",
}

_MAY: Final = {
    Role.REVIEWER: frozenset({Permission.REVIEW}),
    Role.LEAD: frozenset({Permission.REVIEW, Permission.STATISTICS}),
    Role.SCIENTIST: frozenset({Permission.EXPORT}),
    # In a small office one person does it all; the audit chain says who did what.
    Role.ADMIN: frozenset(Permission) - {Permission.CLASSIFY},
}

SCOPES: Final = (Permission.CLASSIFY, Permission.REVIEW, Permission.EXPORT, Permission.ADMIN)
"""What an API key may be given."""


@dataclass(frozen=True, slots=True)
class Actor:
    """A person, a program with a key, or the command line.

    `name` is what decisions, corrections and audit records say: `user:…`, `key:…`, `cli` or
    `anonymous`. `departments` are those whose messages exist for this actor: every query asks.
    """

    name: str
    permissions: frozenset[Permission]
    departments: frozenset[Department]
    sees_personal: bool = False

    def may(self, permission: Permission) -> bool:
        """Whether an endpoint that asks for it is open."""
        return permission in self.permissions

    @property
    def sees_all(self) -> bool:
        """Whether no message is hidden."""
        return len(self.departments) == len(DEPARTMENTS)


def user(name: str, role: Role, departments: Iterable[Department]) -> Actor:
    """A person. Only a reviewer is bound to departments."""
    own = frozenset(departments) if role is Role.REVIEWER else frozenset(DEPARTMENTS)
    return Actor(f"user:{name}", _MAY[role], own)


def key(name: str, scopes: Iterable[Permission], *, sees_personal: bool) -> Actor:
    """A program with a key."""
    may = frozenset(scopes)
    return Actor(f"key:{name}", may, frozenset(DEPARTMENTS), sees_personal)


ANONYMOUS: Final = Actor("anonymous", frozenset({Permission.CLASSIFY}), frozenset(DEPARTMENTS))
"""Who asks without a key, while there are none: from this machine alone."""

COMMAND: Final = Actor("cli", frozenset(Permission), frozenset(DEPARTMENTS), sees_personal=True)
"""Who runs `triage` on the machine that holds the database."""
