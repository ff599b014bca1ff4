"""Users, API keys, refresh tokens and the audit log."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from llmd.storage.tables.columns import Json, Moment, Number, Text

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "users",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("name", Text, nullable=False),
        sa.Column("folded", Text, nullable=False),
        sa.Column("role", Text, nullable=False),
        sa.Column("password", Text, nullable=False),
        sa.Column("enabled", sa.Boolean, nullable=False, server_default=sa.true()),
        sa.Column("created_at", Moment, nullable=False),
        sa.Column("last_login", Moment),
        sa.Column("limits", Json, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_users"),
        sa.UniqueConstraint("folded", name="uq_users_folded"),
    )
    _make_keys()
    _make_families()
    op.create_table(
        "audit",
        sa.Column("number", Number, autoincrement=True, nullable=False),
        sa.Column("at", Moment, nullable=False),
        sa.Column("kind", Text, nullable=False),
        sa.Column("actor", Text, nullable=False),
        sa.Column("subject", Text, nullable=False),
        sa.Column("address", Text, nullable=False),
        sa.Column("detail", Text, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_audit"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_audit_at", "audit", ["at"])


def _make_keys() -> None:
    op.create_table(
        "api_keys",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("prefix", Text, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("name", Text, nullable=False, server_default=""),
        sa.Column("user", sa.String(36)),
        sa.Column("scopes", Json, nullable=False),
        sa.Column("enabled", sa.Boolean, nullable=False, server_default=sa.true()),
        sa.Column("created_at", Moment, nullable=False),
        sa.Column("expires_at", Moment),
        sa.Column("last_used", Moment),
        sa.Column("limits", Json, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_api_keys"),
        sa.UniqueConstraint("digest", name="uq_api_keys_digest"),
        _of_user("api_keys"),
    )
    op.create_index("ix_api_keys_prefix", "api_keys", ["prefix"])
    op.create_index("ix_api_keys_user", "api_keys", ["user"])


def _make_families() -> None:
    op.create_table(
        "token_families",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("user", sa.String(36), nullable=False),
        sa.Column("current", sa.String(36), nullable=False),
        sa.Column("created_at", Moment, nullable=False),
        sa.Column("expires_at", Moment, nullable=False),
        sa.Column("revoked", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.PrimaryKeyConstraint("id", name="pk_token_families"),
        _of_user("token_families"),
    )
    op.create_index("ix_token_families_user", "token_families", ["user"])


def _of_user(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["user"], ["users.id"], name=f"fk_{table}_user_users", ondelete="CASCADE"
    )
