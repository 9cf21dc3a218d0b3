"""Argon2 as cheap as it gets, for tests that hash often; what it does stays the same."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from serving.store import passwords

CHEAP = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1),))


@contextmanager
def cheap_hashes() -> Iterator[None]:
    """Hashes are made and compared at next to no cost."""
    passwords._nobody.cache_clear()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_hasher", lambda: CHEAP)
        yield
    passwords._nobody.cache_clear()
