"""What outlives the daemon in a database: tables/ (SQLAlchemy Core), migrations/ (alembic), one
repository file per noun, database.py (connections and transactions).

Repositories take and return structs of `llmd.protocol`; nobody else sees SQL.
"""
