"""What outlives the daemon in a database: database.py (connections and transactions), address.py
(where it is), faults.py (what its errors mean), tables/ (SQLAlchemy Core), migration.py with
migrations/ (alembic), one repository file per noun.

Nouns: `Database`, repositories. Repositories take and return structs of `llmd.protocol`; nobody
else sees SQL.
"""

from llmd.storage.database import Database

__all__ = ["Database"]
