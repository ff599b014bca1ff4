"""The audit log."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, insert, select

from llmd.protocol.accounts import AuditEntry, AuditKind
from llmd.storage.database import Database
from llmd.storage.tables.accounts import audit

_COLUMNS = ("at", "kind", "actor", "subject", "address", "detail")


class AuditRepository:
    """Keeps entries. All methods raise StorageFailed, and those that write NoRoom."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, entries: Sequence[AuditEntry], forget_before: float) -> None:
        """Keep entries, and forget those of before a moment."""
        rows = [{name: getattr(entry, name) for name in _COLUMNS} for entry in entries]
        async with self._database.writing() as connection:
            await connection.execute(delete(audit).where(audit.c.at < forget_before))
            await connection.execute(insert(audit), rows)

    async def list(self, limit: int) -> list[AuditEntry]:
        """Return the latest entries, newest first."""
        query = select(audit).order_by(audit.c.number.desc()).limit(limit)
        async with self._database.reading() as connection:
            rows = await connection.execute(query)
            return [
                AuditEntry(
                    at=row.at,
                    kind=AuditKind(row.kind),
                    actor=row.actor,
                    subject=row.subject,
                    address=row.address,
                    detail=row.detail,
                )
                for row in rows
            ]
