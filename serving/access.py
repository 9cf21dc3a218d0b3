"""Who asks, and whether they may: a program by its key, a person by the cookie of their session.

A cookie goes along with whatever another site makes a browser send, so what changes something must
say that it comes from here (Fetch Metadata, `Sec-Fetch-Site`; else `Origin`).
"""

from __future__ import annotations

import asyncio
import ipaddress
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Final

from fastapi import Depends, Request
from starlette.datastructures import Headers

from serving.limits import Limiter
from serving.logs import failure
from serving.problems import ProblemError
from serving.store import keys, sessions
from serving.store.actors import ANONYMOUS, Actor, Permission
from serving.store.errors import StoreError
from serving.store.keys import Key
from serving.store.opening import Store
from serving.store.users import User

COOKIE: Final = "__Host-triage"
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
# `none` is what a person does with the browser itself; no page can send it.
_OWN: Final = frozenset({"same-origin", "none"})
# A key that is added or revoked is known to every service after this time.
_RELOAD_SECONDS: Final = 5.0
_MISSES_PER_MINUTE: Final = 60


class Keyring:
    """The valid keys, in memory: a caller costs one hash and a look in a dictionary."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._keys: dict[bytes, Key] | None = None
        self._is_open = False
        self._due = 0.0
        self._limits, self._misses = Limiter(), Limiter()

    def caller(self, headers: Headers) -> Actor:
        """Who sends a request with these headers; may read the database.

        Until the first key is made, whoever asks without one may classify. It stays made when it
        expires or is revoked: that must shut the door, not open it.

        Raises:
            ProblemError: `unauthenticated`, or `too_many_requests` with the seconds to wait, or
                `storing_failed`.
        """
        digest = _digest(headers)
        if self._is_stale(digest):
            self._read()
        return self._known(digest)

    async def called(self, headers: Headers) -> Actor:
        """The same for the event loop, which never waits for the database."""
        digest = _digest(headers)
        if self._is_stale(digest):
            await asyncio.to_thread(self._read)
        return self._known(digest)

    def _is_stale(self, digest: bytes | None) -> bool:
        if self._keys is None or time.monotonic() >= self._due:
            return True
        # It may have been made just now; but whoever makes keys up must not keep the database busy.
        is_new = digest is not None and digest not in self._keys
        return is_new and not self._misses.wait("", _MISSES_PER_MINUTE)

    def _read(self) -> None:
        with self._lock:
            if self._keys is not None:  # the others go on with what is known
                self._due = time.monotonic() + _RELOAD_SECONDS
            try:
                with self._store.database.read() as connection:
                    found = keys.valid(connection, datetime.now(UTC))
                    self._is_open = not keys.was_made(connection)
            except StoreError as error:
                if self._keys is None:
                    failure("the keys cannot be read", error)
                    raise ProblemError("storing_failed") from None
                return
            self._keys = {key.hash: key for key in found}
            self._due = time.monotonic() + _RELOAD_SECONDS

    def _known(self, digest: bytes | None) -> Actor:
        if digest is None:
            if self._is_open:
                return ANONYMOUS
            raise ProblemError("unauthenticated")
        key = (self._keys or {}).get(digest)
        if key is None or not key.is_valid(datetime.now(UTC)):
            raise ProblemError("unauthenticated")
        if key.per_minute and (seconds := self._limits.wait(key.name, key.per_minute)):
            raise ProblemError("too_many_requests", retry_after=seconds)
        return key.actor


def _digest(headers: Headers) -> bytes | None:
    given = key_of(headers)
    return None if given is None else keys.digest(given)


def key_of(headers: Headers) -> str | None:
    """The key that a request shows: `Authorization: Bearer KEY` or `X-API-Key`."""
    scheme, _, key = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and key:
        return key.strip()
    return headers.get("x-api-key")


def refuse_open(host: str, *, has_keys: bool) -> str | None:
    """Why the service must not listen there: without keys only this machine may ask it."""
    if has_keys:
        return None
    try:
        if ipaddress.ip_address(host).is_loopback:
            return None
    except ValueError:
        if host == "localhost":
            return None
    return (
        f"there are no keys yet, so it may not listen on {host}: make one for each intake system "
        "with `triage keys add NAME --scope classify`, or listen on 127.0.0.1"
    )


def check_origin(request: Request) -> None:
    """Refuse what another site made a browser send.

    Raises:
        ProblemError: `cross_site`.
    """
    if request.method in _SAFE:
        return
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        good = site in _OWN
    else:
        where = request.headers.get("origin", "").partition("://")[2]
        good = where != "" and where == request.headers.get("host")
    if not good:
        raise ProblemError("cross_site")


def store_of(request: Request) -> Store:
    """The store.

    Raises:
        ProblemError: `storing_off`.
    """
    store: Store | None = request.state.store
    if store is None:
        raise ProblemError("storing_off")
    return store


StoreOf = Annotated[Store, Depends(store_of)]


_BY_ITSELF: Final = frozenset({"/queue/counts"})
"""What an open page asks for though nobody is there: it keeps no session alive."""


def user_of(request: Request, store: Store) -> User | None:
    """Who is logged in, by the cookie."""
    token = request.cookies.get(COOKIE)
    if not token:
        return None
    now = datetime.now(UTC)
    with store.database.read() as connection:
        found = sessions.find(connection, token, now)
    if found is None:
        return None
    user, is_stale = found
    if is_stale and request.url.path not in _BY_ITSELF:
        with store.database.write() as connection:
            sessions.touch(connection, token, now)
    return user


def actor_of(request: Request, store: StoreOf) -> Actor:
    """Who asks.

    Raises:
        ProblemError: `unauthenticated`, `cross_site`, `password_change`, `too_many_requests`.
    """
    if key_of(request.headers) is not None:
        keyring: Keyring = request.state.keyring
        return keyring.caller(request.headers)
    user = user_of(request, store)
    if user is None:
        raise ProblemError("unauthenticated")
    check_origin(request)
    if user.must_change:
        raise ProblemError("password_change")
    return user.actor


Known = Annotated[Actor, Depends(actor_of)]
"""Whoever asks, if only it is known who."""


def allowed(permission: Permission) -> Callable[[Actor], Actor]:
    """A dependency: the actor, who must have this permission."""

    def check(actor: Known) -> Actor:
        if not actor.may(permission):
            raise ProblemError("forbidden")
        return actor

    return check


Reviewing = Annotated[Actor, Depends(allowed(Permission.REVIEW))]
Counting = Annotated[Actor, Depends(allowed(Permission.STATISTICS))]
Exporting = Annotated[Actor, Depends(allowed(Permission.EXPORT))]
Administering = Annotated[Actor, Depends(allowed(Permission.ADMIN))]
