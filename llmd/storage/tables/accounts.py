"""Users, API keys, refresh tokens and the audit log.

Secrets are not in here: passwords as argon2 hashes, keys as SHA-256, of refresh tokens their ids.
"""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Index, String, Table, false, true

from llmd.storage.tables.columns import Json, Moment, Number, Text
from llmd.storage.tables.metadata import METADATA

users = Table(
    "users",
    METADATA,
    Column("id", String(36), primary_key=True),
    Column("name", Text, nullable=False),
    # the name as it is compared
    Column("folded", Text, nullable=False, unique=True),
    Column("role", Text, nullable=False),
    Column("password", Text, nullable=False),
    Column("enabled", Boolean, nullable=False, server_default=true()),
    Column("created_at", Moment, nullable=False),
    Column("last_login", Moment),
    Column("limits", Json, nullable=False),
)

api_keys = Table(
    "api_keys",
    METADATA,
    Column("id", String(36), primary_key=True),
    Column("prefix", Text, nullable=False, index=True),
    Column("digest", String(64), nullable=False, unique=True),
    Column("name", Text, nullable=False, server_default=""),
    Column("user", String(36), ForeignKey(users.c.id, ondelete="CASCADE"), index=True),
    Column("scopes", Json, nullable=False),
    Column("enabled", Boolean, nullable=False, server_default=true()),
    Column("created_at", Moment, nullable=False),
    Column("expires_at", Moment),
    Column("last_used", Moment),
    Column("limits", Json, nullable=False),
)

token_families = Table(
    "token_families",
    METADATA,
    Column("id", String(36), primary_key=True),
    Column(
        "user", String(36), ForeignKey(users.c.id, ondelete="CASCADE"), nullable=False, index=True
    ),
    Column("current", String(36), nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("revoked", Boolean, nullable=False, server_default=false()),
)

audit = Table(
    "audit",
    METADATA,
    Column("number", Number, primary_key=True, autoincrement=True),
    Column("at", Moment, nullable=False),
    Column("kind", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("detail", Text, nullable=False),
    sqlite_autoincrement=True,
)
Index("ix_audit_at", audit.c.at)
