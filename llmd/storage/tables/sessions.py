"""Sessions, their messages, and the pictures of those.

Rows are numbered by the database and messages are read in the order of their numbers, which stays
even where two were written within one tick of the clock; the ids that callers see are random.
"""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    false,
    true,
)

from llmd.storage.tables.columns import Json, Moment, Number, Text
from llmd.storage.tables.metadata import METADATA

sessions = Table(
    "sessions",
    METADATA,
    Column("number", Number, primary_key=True, autoincrement=True),
    Column("id", String(36), nullable=False, unique=True),
    Column("owner", Text, nullable=False, server_default=""),
    Column("title", Text, nullable=False, server_default=""),
    Column("model", Text, nullable=False, server_default=""),
    Column("is_active", Boolean, nullable=False, server_default=true()),
    # hidden from everybody while its messages are deleted, some at a time
    Column("doomed", Boolean, nullable=False, server_default=false()),
    Column("created_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
    sqlite_autoincrement=True,
)
# lists are read straight from these, newest first, without looking at rows that do not count
Index(
    "ix_sessions_owner_recent",
    sessions.c.owner,
    sessions.c.updated_at,
    sessions.c.number,
    sessions.c.is_active,
    sessions.c.doomed,
)
Index(
    "ix_sessions_recent",
    sessions.c.updated_at,
    sessions.c.number,
    sessions.c.is_active,
    sessions.c.doomed,
)

messages = Table(
    "messages",
    METADATA,
    Column("number", Number, primary_key=True, autoincrement=True),
    Column("session", Number, ForeignKey(sessions.c.number, ondelete="CASCADE"), nullable=False),
    # a message is looked up by it within its session only, from the newest on: it has no index
    Column("id", String(36), nullable=False),
    Column("role", Text, nullable=False),
    Column("content", Text, nullable=False),
    Column("tokens", Integer),
    Column("metadata_info", Json, nullable=False),
    Column("created_at", Moment, nullable=False),
    Index("ix_messages_session", "session", "number"),
    sqlite_autoincrement=True,
)

# apart from the messages: who reads what was said does not read megabytes along with it
pictures = Table(
    "pictures",
    METADATA,
    Column(
        "message",
        Number,
        ForeignKey(messages.c.number, ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
    ),
    Column("place", Integer, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("data", LargeBinary, nullable=False),
)
