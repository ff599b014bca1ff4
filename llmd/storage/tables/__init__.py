"""All tables, on the one METADATA (metadata.py); columns.py has the types of column that SQLite and
PostgreSQL keep alike.

What stands here describes the newest schema; llmd.storage.migrations brings a database there, and a
test compares the two.
"""

from llmd.storage.tables import accounts, deployments, sessions, usage
from llmd.storage.tables.metadata import METADATA

__all__ = ["METADATA", "accounts", "deployments", "sessions", "usage"]
