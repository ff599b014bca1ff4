"""Pictures of messages."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from llmd.storage.tables.columns import Number, Text

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "pictures",
        sa.Column("message", Number, autoincrement=False, nullable=False),
        sa.Column("place", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("kind", Text, nullable=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("message", "place", name="pk_pictures"),
        sa.ForeignKeyConstraint(
            ["message"],
            ["messages.number"],
            name="fk_pictures_message_messages",
            ondelete="CASCADE",
        ),
    )
