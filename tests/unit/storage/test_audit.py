from __future__ import annotations

from pathlib import Path
from typing import Any

from llmd.protocol.accounts import AuditEntry, AuditKind, AuditWish
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


async def test_older_ones_come_page_by_page_and_none_twice(tmp_path: Path) -> None:
    made = database(tmp_path)
    repository = AuditRepository(made)
    await repository.add([entry(float(number)) for number in range(7)], -1.0)
    first = await repository.page(AuditWish(limit=3))
    await repository.add([entry(7.0)], -1.0)
    second = await repository.page(AuditWish(limit=3, before=first.older))
    third = await repository.page(AuditWish(limit=3, before=second.older))
    assert [[found.at for found in page.entries] for page in (first, second, third)] == [
        [6.0, 5.0, 4.0],
        [3.0, 2.0, 1.0],
        [0.0],
    ]
    assert third.older is None
    await made.close()


async def test_entries_are_chosen_by_kind_actor_and_words(tmp_path: Path) -> None:
    made = database(tmp_path)
    repository = AuditRepository(made)
    other = AuditEntry(at=2.0, kind=AuditKind.REFUSED, actor="nobody", detail="100% of 电脑")
    await repository.add([entry(1.0), other], 0.0)

    async def found(**wish: Any) -> list[float]:
        return [one.at for one in (await repository.page(AuditWish(**wish))).entries]

    assert await found(kinds=frozenset({AuditKind.LOGIN, AuditKind.LOGOUT})) == [1.0]
    assert await found(actor="USER:A") == [1.0]
    assert await found(words="电") == [2.0, 1.0]
    assert await found(words="0% of") == [2.0]
    assert await found(words="%") == [2.0]
    assert await found(words="_") == []
    assert await found(words="' OR 1=1 --") == []
    await made.close()
