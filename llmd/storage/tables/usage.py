"""Tokens used, by whom and in which hour."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Table

from llmd.storage.tables.columns import Text
from llmd.storage.tables.metadata import METADATA

usage = Table(
    "usage",
    METADATA,
    Column("subject", Text, primary_key=True),
    # hours since 1970, UTC: windows of a day are restored from them, days are their sums
    Column("hour", BigInteger, primary_key=True, autoincrement=False),
    Column("tokens", BigInteger, nullable=False),
    Column("answers", BigInteger, nullable=False),
)
Index("ix_usage_hour", usage.c.hour)
