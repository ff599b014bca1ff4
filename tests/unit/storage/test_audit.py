from __future__ import annotations

from pathlib import Path

from llmd.protocol.accounts import AuditEntry, AuditKind
from llmd.storage.audit import AuditRepository
from tests.fakes.databases import database


def entry(at: float, subject: str = "ann") -> AuditEntry:
    return AuditEntry(
        at=at, kind=AuditKind.LOGIN, actor="user:ann", subject=subject, address="::1", detail="电"
    )


async def test_the_latest_come_first_and_old_ones_go(tmp_path: Path) -> None:
    made = database(tmp_path)
    repository = AuditRepository(made)
    await repository.add([entry(1.0), entry(2.0), entry(3.0)], 0.0)
    assert await repository.list(2) == [entry(3.0), entry(2.0)]
    await repository.add([entry(4.0, "'; DROP TABLE audit; --")], 3.0)
    assert [found.at for found in await repository.list(10)] == [4.0, 3.0]
    await made.close()
