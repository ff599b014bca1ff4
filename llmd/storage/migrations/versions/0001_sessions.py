"""Sessions and their messages."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from llmd.storage.tables.columns import Json, Moment, Number, Text

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make both tables."""
    op.create_table(
        "sessions",
        sa.Column("number", Number, autoincrement=True, nullable=False),
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("owner", Text, nullable=False, server_default=""),
        sa.Column("title", Text, nullable=False, server_default=""),
        sa.Column("model", Text, nullable=False, server_default=""),
        sa.Column("is_active", sa.Boolean, nullable=False, server_default=sa.true()),
        sa.Column("doomed", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("created_at", Moment, nullable=False),
        sa.Column("updated_at", Moment, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_sessions"),
        sa.UniqueConstraint("id", name="uq_sessions_id"),
        sqlite_autoincrement=True,
    )
    recent = ["updated_at", "number", "is_active", "doomed"]
    op.create_index("ix_sessions_owner_recent", "sessions", ["owner", *recent])
    op.create_index("ix_sessions_recent", "sessions", recent)
    op.create_table(
        "messages",
        sa.Column("number", Number, autoincrement=True, nullable=False),
        sa.Column("session", Number, nullable=False),
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("role", Text, nullable=False),
        sa.Column("content", Text, nullable=False),
        sa.Column("tokens", sa.Integer),
        sa.Column("metadata_info", Json, nullable=False),
        sa.Column("created_at", Moment, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_messages"),
        sa.ForeignKeyConstraint(
            ["session"],
            ["sessions.number"],
            name="fk_messages_session_sessions",
            ondelete="CASCADE",
        ),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_messages_session", "messages", ["session", "number"])
