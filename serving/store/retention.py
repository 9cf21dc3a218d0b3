"""What people wrote is kept for a time; labels and figures stay.

Of a message that is old enough title, text and attachments go, and all that was made of its words:
the decision as it was answered (it quotes the text), notes, the search index, the sketch. A deleted
text is not gone from a file before its place is overwritten, so this also cleans up behind it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, and_, delete, func, select, text, update

from serving.store import search, sketch
from serving.store.actors import Actor
from serving.store.engine import Database, journal_mode
from serving.store.opening import Store
from serving.store.repeats import KEPT
from serving.store.tables import corrections, decisions, items, leases, messages, requests

_BATCH: Final = 200
_MERGED: Final = 500
_MERGES: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Purged:
    """How many messages; `waiting`: those of them that a person should have looked at and has not.

    `batches`: transactions.
    """

    messages: int
    waiting: int
    batches: int = 0


def old(connection: Connection, before: datetime, now: datetime) -> Purged:
    """What `purge` would remove."""
    waiting = and_(items.c.listed, ~items.c.done)
    query = (
        select(func.count().label("messages"), func.count().filter(waiting).label("waiting"))
        .select_from(messages)
        .join(items, items.c.message_id == messages.c.id)
        .where(_due(before, now))
    )
    row = connection.execute(query).one()
    return Purged(row.messages, row.waiting)


def purge(
    store: Store, actor: Actor, before: datetime, now: datetime, batch: int = _BATCH
) -> Purged:
    """Remove the words of all messages received before; in the audit chain, batch by batch.

    What an interruption leaves undone, the next run does.

    Raises:
        StoreError: the database cannot be used now.
    """
    with store.database.read() as connection:
        expected = old(connection, before, now)
    count = batches = 0
    while True:
        with store.database.write() as connection:
            done = _batch(connection, before, now, batch)
            if done:
                store.audit.append(
                    connection, actor.name, "purge", "", messages=done, before=before.isoformat()
                )
        if not done:
            break
        count, batches = count + done, batches + 1
    with store.database.write() as connection:
        _forget_notes(connection)
    # Also where nothing was old: a run that was interrupted has not come to this.
    clean(store.database)
    return Purged(count, expected.waiting, batches)


def _due(before: datetime, now: datetime) -> ColumnElement[bool]:
    # Of what came in the last day the answer may be asked for again, however old the letter is.
    return and_(
        messages.c.received_at < before,
        messages.c.stored_at < now - KEPT,
        messages.c.purged_at.is_(None),
    )


def _batch(connection: Connection, before: datetime, now: datetime, most: int) -> int:
    if connection.dialect.name == "sqlite":
        connection.execute(text("PRAGMA secure_delete=ON"))
    rows = connection.execute(
        select(messages.c.id, messages.c.title, messages.c.text)
        .where(_due(before, now))
        .order_by(messages.c.received_at)
        .limit(most)
        # Whoever labels one of them meanwhile refers to it, which this lock allows.
        .with_for_update(key_share=True)
    ).all()
    numbers = [row.id for row in rows]
    if not numbers:
        return 0
    # The index is told what it holds, so before the words go.
    search.remove(connection, [(row.id, row.title, row.text) for row in rows if row.text])
    sketch.remove(connection, numbers)
    gone: dict[str, Any] = {"title": None, "text": None, "attachments": [], "purged_at": now}
    connection.execute(update(messages).where(messages.c.id.in_(numbers)).values(**gone))
    of_decisions = update(decisions).where(decisions.c.message_id.in_(numbers))
    connection.execute(of_decisions.values(body=None))
    of_corrections = update(corrections).where(corrections.c.message_id.in_(numbers))
    connection.execute(of_corrections.values(note=None))
    for table in (requests, leases):
        connection.execute(delete(table).where(table.c.message_id.in_(numbers)))
    return len(numbers)


def _forget_notes(connection: Connection) -> None:
    """Those that were written on messages after their words had gone."""
    purged = select(messages.c.id).where(messages.c.purged_at.is_not(None))
    late = and_(corrections.c.note.is_not(None), corrections.c.message_id.in_(purged))
    connection.execute(update(corrections).where(late).values(note=None))


def clean(database: Database) -> None:
    """Take what was deleted out of the files.

    A SQLite file is written anew, and nobody can write to it meanwhile: half a minute for a
    gigabyte, so at a quiet hour. PostgreSQL gives the places free to be overwritten; `VACUUM FULL`
    would give them back at once, and keep everybody waiting meanwhile.
    """
    if database.is_sqlite:
        # A full-text index only notes what is deleted, until its parts are merged.
        _merge(database)
        # Its copy of the database goes into a file: in memory it would be as large.
        in_file, in_memory = "PRAGMA temp_store=FILE", "PRAGMA temp_store=MEMORY"
        # A journal that is kept has pages as they were; once removed, it is begun anew.
        mode = journal_mode()
        rest = "wal_checkpoint(TRUNCATE)" if mode == "wal" else "journal_mode=DELETE"
        last = (f"PRAGMA {rest}", f"PRAGMA journal_mode={mode}")
        database.outside(in_file, "VACUUM", in_memory, *last)
    else:
        tables = (messages, decisions, corrections)
        names = [*(table.name for table in tables), "search", "sketches", "bands"]
        database.outside(*(f"VACUUM {name}" for name in names))


def _merge(database: Database) -> None:
    pages = -_MERGED  # negative: all parts are to become one
    for _ in range(_MERGES):
        with database.write() as connection:
            before = connection.scalar(text("SELECT total_changes()"))
            merge = text("INSERT INTO search (search, rank) VALUES ('merge', :pages)")
            connection.execute(merge, {"pages": pages})
            after = connection.scalar(text("SELECT total_changes()"))
        pages = _MERGED
        # https://sqlite.org/fts5.html#the_merge_command: no more than the statement's own change.
        if (after or 0) - (before or 0) < 2:
            return
