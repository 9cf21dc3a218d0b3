"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from serving.store import search
from serving.store.types import Id, Json, Utc

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_FILTERED = ("channel", "received_at", "reasons")
_PROMISED = {"due_on": "replied_at", "result_due_on": "answered_at"}
_OPEN = {"open": "NOT done", "review": "NOT done AND listed", "urgent": "NOT done AND urgent"}


def upgrade() -> None:
    """Take the step."""
    op.create_table(
        "api_keys",
        sa.Column("id", Id, nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("scopes", Json, nullable=False),
        sa.Column("sees_personal", sa.Boolean(), nullable=False),
        sa.Column("per_minute", sa.Integer(), nullable=True),
        sa.Column("created_at", Utc(), nullable=False),
        sa.Column("expires_at", Utc(), nullable=True),
        sa.Column("revoked_at", Utc(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("hash", name=op.f("uq_api_keys_hash")),
        sa.UniqueConstraint("name", name=op.f("uq_api_keys_name")),
    )
    op.create_table(
        "audit",
        sa.Column("seq", Id, autoincrement=False, nullable=False),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("action", sa.String(length=32), nullable=False),
        sa.Column("object", sa.String(length=192), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("mac", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_audit")),
    )
    with op.batch_alter_table("audit", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_audit_action"), ["action"], unique=False)

    op.create_table(
        "audit_head",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("seq", Id, nullable=False),
        sa.Column("mac", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_head")),
    )
    op.create_table(
        "bands",
        sa.Column("hash", Id, autoincrement=False, nullable=False),
        sa.Column("message_id", Id, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("hash", "message_id", name=op.f("pk_bands")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "messages",
        sa.Column("id", Id, nullable=False),
        sa.Column("caller", sa.String(length=64), nullable=False),
        sa.Column("reference", sa.String(length=128), nullable=True),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("channel", sa.String(length=64), nullable=True),
        sa.Column("attachments", Json, nullable=False),
        sa.Column("received_at", Utc(), nullable=False),
        sa.Column("stored_at", Utc(), nullable=False),
        sa.Column("purged_at", Utc(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_messages")),
    )
    with op.batch_alter_table("messages", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_messages_received_at"), ["received_at"], unique=False)
        batch_op.create_index("ix_messages_reference", ["reference"], unique=False)

    op.create_table(
        "users",
        sa.Column("id", Id, nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("shown", sa.String(length=64), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("departments", Json, nullable=False),
        sa.Column("password", sa.Text(), nullable=False),
        sa.Column("must_change", sa.Boolean(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("locked_until", Utc(), nullable=True),
        sa.Column("created_at", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("name", name=op.f("uq_users_name")),
    )
    op.create_table(
        "decisions",
        sa.Column("id", Id, nullable=False),
        sa.Column("message_id", Id, nullable=False),
        sa.Column("at", Utc(), nullable=False),
        sa.Column("department", sa.String(length=16), nullable=False),
        sa.Column("second", sa.String(length=16), nullable=True),
        sa.Column("confidence", sa.Float(), nullable=False),
        sa.Column("urgent", sa.Boolean(), nullable=False),
        sa.Column("urgency_score", sa.Float(), nullable=False),
        sa.Column("reasons", Json, nullable=False),
        sa.Column("needs_review", sa.Boolean(), nullable=False),
        sa.Column("review_reasons", Json, nullable=False),
        sa.Column("model", sa.String(length=128), nullable=False),
        sa.Column("rulebook", sa.String(length=128), nullable=False),
        sa.Column("normaliser", sa.String(length=32), nullable=False),
        sa.Column("body", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["message_id"], ["messages.id"], name=op.f("fk_decisions_message_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decisions")),
    )
    with op.batch_alter_table("decisions", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_decisions_message_id"), ["message_id"], unique=False)

    op.create_table(
        "leases",
        sa.Column("message_id", Id, nullable=False),
        sa.Column("holder", sa.String(length=64), nullable=False),
        sa.Column("until", Utc(), nullable=False),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"], name=op.f("fk_leases_message_id")),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_leases")),
    )
    with op.batch_alter_table("leases", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_leases_holder"), ["holder"], unique=False)

    op.create_table(
        "requests",
        sa.Column("caller", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=3), nullable=False),
        sa.Column("value", sa.String(length=192), nullable=False),
        sa.Column("body", sa.LargeBinary(length=32), nullable=False),
        sa.Column("message_id", Id, nullable=False),
        sa.Column("at", Utc(), nullable=False),
        sa.ForeignKeyConstraint(
            ["message_id"], ["messages.id"], name=op.f("fk_requests_message_id")
        ),
        sa.PrimaryKeyConstraint("caller", "kind", "value", name=op.f("pk_requests")),
    )
    with op.batch_alter_table("requests", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_requests_at"), ["at"], unique=False)

    op.create_table(
        "sessions",
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("user_id", Id, nullable=False),
        sa.Column("created_at", Utc(), nullable=False),
        sa.Column("seen_at", Utc(), nullable=False),
        sa.Column("expires_at", Utc(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_sessions_user_id")),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_sessions")),
    )
    with op.batch_alter_table("sessions", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_sessions_user_id"), ["user_id"], unique=False)

    op.create_table(
        "sketches",
        sa.Column("message_id", Id, nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.Column("vector", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["message_id"], ["messages.id"], name=op.f("fk_sketches_message_id")
        ),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_sketches")),
    )
    op.create_table(
        "corrections",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("message_id", Id, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("decision_id", Id, nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("at", Utc(), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("before", Json, nullable=False),
        sa.Column("department", sa.String(length=16), nullable=False),
        sa.Column("urgent", sa.Boolean(), nullable=False),
        sa.Column("reasons", Json, nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("undoes", sa.String(length=36), nullable=True),
        sa.Column("cluster_id", Id, nullable=True),
        sa.ForeignKeyConstraint(
            ["decision_id"], ["decisions.id"], name=op.f("fk_corrections_decision_id")
        ),
        sa.ForeignKeyConstraint(
            ["message_id"], ["messages.id"], name=op.f("fk_corrections_message_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_corrections")),
        sa.UniqueConstraint(
            "message_id", "version", name=op.f("uq_corrections_message_id_version")
        ),
        sa.UniqueConstraint("undoes", name=op.f("uq_corrections_undoes")),
    )
    with op.batch_alter_table("corrections", schema=None) as batch_op:
        batch_op.create_index("ix_corrections_actor", ["actor", "at"], unique=False)
        batch_op.create_index("ix_corrections_at", ["at"], unique=False)

    op.create_table(
        "items",
        sa.Column("message_id", Id, nullable=False),
        sa.Column("decision_id", Id, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("department", sa.String(length=16), nullable=False),
        sa.Column("is_nothing", sa.Boolean(), nullable=False),
        sa.Column("urgent", sa.Boolean(), nullable=False),
        sa.Column("reasons", Json, nullable=False),
        sa.Column("done", sa.Boolean(), nullable=False),
        sa.Column("listed", sa.Boolean(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("usual_due_on", sa.Date(), nullable=False),
        sa.Column("result_due_on", sa.Date(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("channel", sa.String(length=64), nullable=True),
        sa.Column("received_at", Utc(), nullable=False),
        sa.Column("first_seen_at", Utc(), nullable=True),
        sa.Column("reviewed_at", Utc(), nullable=True),
        sa.Column("reviewer", sa.String(length=64), nullable=True),
        sa.Column("replied_at", Utc(), nullable=True),
        sa.Column("answered_at", Utc(), nullable=True),
        sa.Column("cluster_id", Id, nullable=True),
        sa.ForeignKeyConstraint(
            ["decision_id"], ["decisions.id"], name=op.f("fk_items_decision_id")
        ),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"], name=op.f("fk_items_message_id")),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_items")),
    )
    with op.batch_alter_table("items", schema=None) as batch_op:
        batch_op.create_index("ix_items_cluster", ["cluster_id", "received_at"], unique=False)
        batch_op.create_index(
            "ix_items_done",
            ["department", "reviewed_at", "message_id", *_FILTERED],
            unique=False,
            sqlite_where=sa.text("done"),
            postgresql_where=sa.text("done"),
        )
        batch_op.create_index(
            "ix_items_mine", ["reviewer", "reviewed_at", "message_id"], unique=False
        )
        for name, which in _OPEN.items():
            batch_op.create_index(
                f"ix_items_{name}",
                ["department", "due_on", "rank", "message_id", *_FILTERED],
                unique=False,
                sqlite_where=sa.text(which),
                postgresql_where=sa.text(which),
            )
        for day, sent in _PROMISED.items():
            which = f"{sent} IS NULL AND NOT is_nothing"
            batch_op.create_index(
                f"ix_items_{day}",
                [day, "message_id", "department", "reviewer"],
                unique=False,
                sqlite_where=sa.text(which),
                postgresql_where=sa.text(which),
            )
        batch_op.create_index("ix_items_received", ["received_at"], unique=False)

    # The chain starts here: before its first record there are none.
    head = sa.table("audit_head", sa.column("id"), sa.column("seq"), sa.column("mac"))
    op.execute(head.insert().values(id=1, seq=0, mac=bytes(32)))
    for statement in search.CREATE[op.get_bind().dialect.name]:
        op.execute(statement)


def downgrade() -> None:
    """Take it back; a table takes its indexes with it."""
    op.execute("DROP TABLE search")
    for table in (
        "items",
        "corrections",
        "sketches",
        "sessions",
        "requests",
        "leases",
        "decisions",
        "users",
        "messages",
        "bands",
        "audit_head",
        "audit",
        "api_keys",
    ):
        op.drop_table(table)
