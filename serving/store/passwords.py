"""Passwords: how they are made, kept (Argon2id, RFC 9106) and compared."""

from __future__ import annotations

import contextlib
import secrets
import threading
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Final

from serving.store.errors import StoreError

if TYPE_CHECKING:
    from pwdlib import PasswordHash

SHORTEST: Final = 10
# One hash takes 64 MiB: so many at once, and so many that wait, whoever hammers at the door.
_HASHING: Final = threading.BoundedSemaphore(4)
_WAITING: Final = threading.BoundedSemaphore(16)


class PasswordError(StoreError):
    """The password cannot be taken; the error says why."""

    code = "invalid_password"


class BusyError(StoreError):
    """Too many passwords are being hashed at this moment."""

    code = "busy"


@contextlib.contextmanager
def _turn() -> Iterator[None]:
    if not _WAITING.acquire(blocking=False):
        raise BusyError("too many log in at this moment; try again in a second")
    try:
        with _HASHING:
            yield
    finally:
        _WAITING.release()


@cache
def _hasher() -> PasswordHash:
    from pwdlib import PasswordHash

    return PasswordHash.recommended()


@cache
def _nobody() -> str:
    """What a password is compared with where there is no such user: it takes as long."""
    return _hasher().hash(secrets.token_urlsafe(16))


def hashed(password: str) -> str:
    """The Argon2 hash of a password; takes some 50 ms, so outside of a transaction.

    Raises:
        PasswordError: it is too short.
        BusyError: too many are being hashed.
    """
    if len(password) < SHORTEST:
        raise PasswordError(
            f"密码至少 {SHORTEST} 位 (a password has at least {SHORTEST} characters)"
        )
    with _turn():
        return _hasher().hash(password)


def matches(password: str, kept: str | None) -> bool:
    """Whether it is the password of the hash; takes as long where there is none.

    Raises:
        BusyError: too many are being hashed.
    """
    with _turn():
        nobody = _nobody()
        right = _hasher().verify(password, kept or nobody)
    return right and kept is not None


def generated() -> str:
    """A password that nobody guesses, for the first login."""
    return secrets.token_urlsafe(12)
