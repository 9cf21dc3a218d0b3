"""Who asks, and whether they may: a program by its key, a person by the cookie of their session.

A cookie goes along with whatever another site makes a browser send, so what changes something must
say that it comes from here (Fetch Metadata, `Sec-Fetch-Site`; else `Origin`).
"""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Final
from urllib.parse import urlsplit

from fastapi import Depends, Request
from starlette.datastructures import Headers

from serving.limits import Limiter
from serving.problems import ProblemError
from serving.store import keys, sessions
from serving.store.actors import ANONYMOUS, Actor, Permission
from serving.store.keys import Key
from serving.store.opening import Store
from serving.store.users import User

COOKIE: Final = "__Host-triage"
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
# A key that is added or revoked is known to every service after this time.
_RELOAD_SECONDS: Final = 5.0
_MISS_SECONDS: Final = 1.0


class Keyring:
    """The valid keys, in memory: a caller costs one hash and a look in a dictionary."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._keys: dict[bytes, Key] = {}
        self._loaded = float("-inf")
        self._limiter = Limiter()

    def _load(self, older_than: float) -> None:
        if time.monotonic() - self._loaded < older_than:
            return
        with self._store.database.read() as connection:
            self._keys = {key.hash: key for key in keys.valid(connection, datetime.now(UTC))}
        self._loaded = time.monotonic()

    @property
    def is_empty(self) -> bool:
        """Whether there is no key at all: then this machine may ask without one."""
        self._load(_RELOAD_SECONDS)
        return not self._keys

    def caller(self, headers: Headers) -> Actor:
        """Who sends a request with these headers.

        Raises:
            ProblemError: `unauthenticated`, or `too_many_requests` with the seconds to wait.
        """
        self._load(_RELOAD_SECONDS)
        given = key_of(headers)
        if given is None:
            if self._keys:
                raise ProblemError("unauthenticated")
            return ANONYMOUS
        digest = keys.digest(given)
        if digest not in self._keys:
            self._load(_MISS_SECONDS)
        key = self._keys.get(digest)
        if key is None or not key.is_valid(datetime.now(UTC)):
            raise ProblemError("unauthenticated")
        if key.per_minute and (seconds := self._limiter.wait(key.name, key.per_minute)):
            raise ProblemError("too_many_requests", retry_after=seconds)
        return key.actor


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
        good = site == "same-origin"
    else:
        origin = request.headers.get("origin", "")
        good = bool(origin) and urlsplit(origin).netloc == request.headers.get("host")
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
    if is_stale:
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
