"""All tables. Decisions, corrections and audit records are only ever added.

What a person works on is one row of `items`: the label that holds now, with its version. It can be
made again from decisions and corrections; it is there so that the queue is one index scan.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    Date,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    literal_column,
    text,
)

from serving.store.types import Id, Json, Utc

metadata: Final = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _message(*, primary_key: bool = False, index: bool | None = None) -> Column[int]:
    message = ForeignKey("messages.id")
    return Column("message_id", Id, message, primary_key=primary_key, index=index, nullable=False)


messages: Final = Table(
    "messages",
    metadata,
    Column("id", Id, primary_key=True),
    Column("caller", String(64), nullable=False),  # whose `reference` it is
    Column("reference", String(128)),  # the message's `id` as the intake system gave it
    Column("title", Text),
    Column("text", Text),  # null once purged
    Column("channel", String(64)),
    Column("attachments", Json, nullable=False),
    Column("received_at", Utc, nullable=False, index=True),
    Column("stored_at", Utc, nullable=False),
    Column("purged_at", Utc),
    Index("ix_messages_reference", "reference"),
)

decisions: Final = Table(
    "decisions",
    metadata,
    Column("id", Id, primary_key=True),
    _message(index=True),
    Column("at", Utc, nullable=False),
    Column("department", String(16), nullable=False),
    Column("second", String(16)),
    Column("confidence", Float, nullable=False),
    Column("urgent", Boolean, nullable=False),
    Column("urgency_score", Float, nullable=False),
    Column("reasons", Json, nullable=False),
    Column("needs_review", Boolean, nullable=False),
    Column("review_reasons", Json, nullable=False),
    Column("model", String(128), nullable=False),
    Column("rulebook", String(128), nullable=False),
    Column("normaliser", String(32), nullable=False),
    Column("body", Text),  # the `Decision` as it was answered; null once purged, it quotes the text
)

_KEY: Final = ("due_on", "rank", "message_id")
OPEN: Final = {
    "open": "NOT done",
    "review": "NOT done AND listed",
    "urgent": "NOT done AND urgent",
}
"""The parts of `items` that wait for a person, each in its order with an index of its own. They
start with the department, because every query asks for departments: each is one range. What
filters ask for is in them too: a filter that finds little need not look at every row."""
PROMISED: Final = {
    "due_on": "replied_at IS NULL AND NOT is_nothing",
    "result_due_on": "answered_at IS NULL AND NOT is_nothing",
}
"""What has not gone out, by its last day: also what is overdue for years is found by its index."""


def as_indexed(words: str) -> ColumnElement[bool]:
    """A condition in the words of an index: a partial index is taken only where they are seen."""
    return literal_column(words)


_FILTERED: Final = ("channel", "received_at", "reasons")

items: Final = Table(
    "items",
    metadata,
    _message(primary_key=True),
    Column("decision_id", Id, ForeignKey("decisions.id"), nullable=False),
    Column("version", Integer, nullable=False),  # 0: nobody has judged it
    Column("department", String(16), nullable=False),  # who has it now
    Column("is_nothing", Boolean, nullable=False),  # a person found nothing to handle
    Column("urgent", Boolean, nullable=False),
    Column("reasons", Json, nullable=False),
    Column("done", Boolean, nullable=False),
    Column("listed", Boolean, nullable=False),  # a person has to look: urgent, unsure or sampled
    Column("due_on", Date, nullable=False),  # Asia/Shanghai; the day it came where it is urgent
    Column("usual_due_on", Date, nullable=False),  # what it is, or would be, where it is not
    Column("result_due_on", Date, nullable=False),
    Column("rank", Integer, nullable=False),  # among what is due on one day, least first
    Column("channel", String(64)),
    Column("received_at", Utc, nullable=False),
    Column("first_seen_at", Utc),
    Column("reviewed_at", Utc),
    Column("reviewer", String(64)),  # name of the last to judge it
    Column("replied_at", Utc),
    Column("answered_at", Utc),
    Column("cluster_id", Id),  # the first message of this matter; null until sketched
    *(
        Index(
            f"ix_items_{name}",
            "department",
            *_KEY,
            *_FILTERED,
            sqlite_where=text(which),
            postgresql_where=text(which),
        )
        for name, which in OPEN.items()
    ),
    Index(
        "ix_items_done",
        "department",
        "reviewed_at",
        "message_id",
        *_FILTERED,
        sqlite_where=text("done"),
        postgresql_where=text("done"),
    ),
    *(
        Index(
            f"ix_items_{day}",
            day,
            *("message_id", "department", "reviewer"),
            sqlite_where=text(which),
            postgresql_where=text(which),
        )
        for day, which in PROMISED.items()
    ),
    Index("ix_items_mine", "reviewer", "reviewed_at", "message_id"),
    Index("ix_items_cluster", "cluster_id", "received_at"),
    Index("ix_items_received", "received_at"),
)

corrections: Final = Table(
    "corrections",
    metadata,
    Column("id", String(36), primary_key=True),  # made by the client: a retry is the same one
    _message(),
    Column("version", Integer, nullable=False),  # of the item, after it
    Column("decision_id", Id, ForeignKey("decisions.id"), nullable=False),
    Column("actor", String(64), nullable=False),
    Column("at", Utc, nullable=False),
    Column("kind", String(8), nullable=False),  # agree, correct, undo
    Column("before", Json, nullable=False),  # department, urgent, reasons, done
    Column("department", String(16), nullable=False),  # a class: a department or "none"
    Column("urgent", Boolean, nullable=False),
    Column("reasons", Json, nullable=False),
    Column("note", Text),
    Column("undoes", String(36)),
    Column("cluster_id", Id),  # where it was given to a whole cluster
    UniqueConstraint("message_id", "version"),
    UniqueConstraint("undoes"),  # nobody undoes twice
    Index("ix_corrections_actor", "actor", "at"),
    Index("ix_corrections_at", "at"),
)

leases: Final = Table(
    "leases",
    metadata,
    _message(primary_key=True),
    Column("holder", String(64), nullable=False, index=True),
    Column("until", Utc, nullable=False),
)

users: Final = Table(
    "users",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", String(64), nullable=False, unique=True),
    Column("shown", String(64), nullable=False),  # as people call them
    Column("role", String(16), nullable=False),
    Column("departments", Json, nullable=False),
    Column("password", Text, nullable=False),  # an Argon2 hash
    Column("must_change", Boolean, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("locked_until", Utc),
    Column("created_at", Utc, nullable=False),
)

sessions: Final = Table(
    "sessions",
    metadata,
    Column("hash", LargeBinary(32), primary_key=True),  # SHA-256 of the cookie
    Column("user_id", Id, ForeignKey("users.id"), nullable=False, index=True),
    Column("created_at", Utc, nullable=False),
    Column("seen_at", Utc, nullable=False),
    Column("expires_at", Utc, nullable=False),
)

api_keys: Final = Table(
    "api_keys",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", String(64), nullable=False, unique=True),
    Column("hash", LargeBinary(32), nullable=False, unique=True),  # SHA-256 of the key
    Column("scopes", Json, nullable=False),
    Column("sees_personal", Boolean, nullable=False),  # unmasked exports
    Column("per_minute", Integer),  # null: no limit
    Column("created_at", Utc, nullable=False),
    Column("expires_at", Utc),
    Column("revoked_at", Utc),
)

requests: Final = Table(
    "requests",
    metadata,
    Column("caller", String(64), primary_key=True),
    Column("kind", String(3), primary_key=True),  # key: Idempotency-Key; id: the message's own
    Column("value", String(192), primary_key=True),
    Column("body", LargeBinary(32), nullable=False),  # SHA-256 of what was asked
    _message(),
    Column("at", Utc, nullable=False, index=True),
)

audit: Final = Table(
    "audit",
    metadata,
    Column("seq", Id, primary_key=True, autoincrement=False),
    Column("at", String(32), nullable=False),  # as it was authenticated
    Column("actor", String(64), nullable=False),
    Column("action", String(32), nullable=False, index=True),
    Column("object", String(192), nullable=False),
    Column("detail", Text, nullable=False),  # JSON, as it was authenticated
    Column("mac", LargeBinary(32), nullable=False),
)

audit_head: Final = Table(
    "audit_head",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("seq", Id, nullable=False),
    Column("mac", LargeBinary(32), nullable=False),
)

sketches: Final = Table(
    "sketches",
    metadata,
    _message(primary_key=True),
    Column("signature", LargeBinary, nullable=False),  # MinHash of character n-grams
    Column("vector", LargeBinary),  # the encoder's, where the bundle gives one
)

bands: Final = Table(
    "bands",
    metadata,
    # Where messages that are alike meet; found again from the signature (`sketch.band_keys`).
    Column("hash", Id, primary_key=True, autoincrement=False),
    Column("message_id", Id, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)
