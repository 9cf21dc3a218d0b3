"""The audit chain: who did what, each record authenticated together with the one before it.

HMAC-SHA-256 (RFC 2104) over the record before and this one, so that a record that is changed,
removed, added or moved breaks the chain, and whoever has the database alone cannot mend it: the key
is a file beside it. Records that are cut off at the end together with the head that counts them
show only against a receipt, number and MAC, that was noted before.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, select

from serving.store.engine import Database
from serving.store.errors import StoreError
from serving.store.tables import audit, audit_head

_HEAD: Final = 1
_START: Final = bytes(32)
_PAGE: Final = 5_000


@dataclass(frozen=True, slots=True)
class Verified:
    """How far the chain is whole; `fault` says what is wrong with the next record, if anything."""

    records: int
    mac: str
    fault: str | None


def load_key(path: Path) -> bytes:
    """The chain's key from a file that only its owner may read; made at first use.

    Raises:
        StoreError: the file is no key, or cannot be read or written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        try:
            with os.fdopen(os.open(path, flags, 0o600), "w") as file:
                file.write(secrets.token_hex(32))
                file.flush()
                os.fsync(file.fileno())
        except FileExistsError:
            pass
        key = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except (OSError, ValueError) as error:
        raise StoreError(f"the audit key {path} cannot be used: {type(error).__name__}") from None
    if len(key) != 32:
        raise StoreError(f"the audit key {path} must be 64 hexadecimal digits")
    return key


class Audit:
    """Writes and checks the chain."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def append(
        self,
        connection: Connection,
        actor: str,
        action: str,
        about: str = "",
        **detail: str | int | bool | None,
    ) -> None:
        """Add a record in the transaction of what it records; never with a message's words.

        Raises:
            StoreError: the chain is broken.
        """
        # One at a time: whoever adds holds the head until its transaction ends.
        head = connection.execute(
            select(audit_head.c.seq, audit_head.c.mac)
            .where(audit_head.c.id == _HEAD)
            .with_for_update()
        ).one_or_none()
        if head is None:
            raise StoreError("the audit chain has lost its head; see `triage audit verify`")
        row: dict[str, object] = {
            "seq": head.seq + 1,
            "at": datetime.now(UTC).isoformat(timespec="microseconds"),
            "actor": actor,
            "action": action,
            "object": about,
            "detail": json.dumps(detail, ensure_ascii=False, sort_keys=True),
        }
        mac = self._mac(head.mac, row)
        connection.execute(audit.insert().values(**row, mac=mac))
        new = audit_head.update().where(audit_head.c.id == _HEAD)
        connection.execute(new.values(seq=head.seq + 1, mac=mac))

    def verify(self, source: Connection | Database) -> Verified:
        """Walk the whole chain; stops at the first record that is not what was written.

        Of a database it reads page by page, so that nobody who writes has to wait for all of it.
        """
        seq, before = 0, _START
        while True:
            with _reading(source) as connection:
                page = connection.execute(
                    select(audit).where(audit.c.seq > seq).order_by(audit.c.seq).limit(_PAGE)
                ).all()
                # In one state with the last page: more may be added right after it.
                head = connection.execute(select(audit_head.c.seq, audit_head.c.mac)).one_or_none()
            for row in page:
                given = dict(row._mapping)  # noqa: SLF001 - the documented way to a row's columns
                mac = given.pop("mac")
                if row.seq != seq + 1:
                    fault = f"record {seq + 1} is missing"
                elif not hmac.compare_digest(self._mac(before, given), mac):
                    fault = f"record {row.seq} is not as it was written"
                else:
                    seq, before = row.seq, mac
                    continue
                return Verified(seq, before.hex(), fault)
            if len(page) < _PAGE:
                break
        cut: str | None = None
        if head is None or (head.seq, head.mac) != (seq, before):
            cut = f"records after {seq} are missing"
        return Verified(seq, before.hex(), cut)

    def _mac(self, before: bytes, row: Mapping[str, object]) -> bytes:
        told = json.dumps(dict(row), ensure_ascii=False, sort_keys=True).encode()
        return hmac.digest(self._key, before + told, hashlib.sha256)


def _reading(source: Connection | Database) -> AbstractContextManager[Connection]:
    return source.read() if isinstance(source, Database) else nullcontext(source)
