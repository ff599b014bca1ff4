"""Tokens used."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from llmd.storage.tables.columns import Text

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "usage",
        sa.Column("subject", Text, nullable=False),
        sa.Column("hour", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("tokens", sa.BigInteger, nullable=False),
        sa.Column("answers", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("subject", "hour", name="pk_usage"),
    )
    op.create_index("ix_usage_hour", "usage", ["hour"])
