"""Deployments: jobs that make a model ready.

A job is kept as a whole, as the JSON of its struct: it is always read and written in one piece, and
columns stand only for what is looked for.
"""

from __future__ import annotations

from sqlalchemy import Column, Index, String, Table

from llmd.storage.tables.columns import Json, Moment, Text
from llmd.storage.tables.metadata import METADATA

deployments = Table(
    "deployments",
    METADATA,
    Column("id", String(64), primary_key=True),
    # which daemon's it is: several may share a database, and each goes on with its own
    Column("home", Text, nullable=False),
    Column("status", String(16), nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("record", Json, nullable=False),
)
Index("ix_deployments_home", deployments.c.home, deployments.c.status, deployments.c.created_at)
