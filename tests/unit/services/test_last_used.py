from __future__ import annotations

import asyncio
from pathlib import Path

from llmd.protocol.accounts import ApiKey
from llmd.services.last_used import LastUsed
from llmd.storage.api_keys import KeyRepository
from tests.fakes.databases import database

KEY = ApiKey(id="k", prefix="llmd-1", created_at=0.0)


async def test_uses_are_written_together_and_the_last_one_counts(tmp_path: Path) -> None:
    made = database(tmp_path)
    repository = KeyRepository(made)
    await repository.add(KEY, "digest")
    last_used = LastUsed(repository, delay=0.02)
    for moment in (1.0, 2.0, 3.0):
        last_used.note("k", moment)
    assert last_used.shown(KEY).last_used == 3.0
    stored = await repository.get("k")
    assert stored is not None
    assert stored.last_used is None
    while stored.last_used is None:
        await asyncio.sleep(0.01)
        stored = await repository.get("k")
        assert stored is not None
    assert stored.last_used == 3.0
    await last_used.close()
    await made.close()


async def test_the_end_of_the_daemon_loses_nothing(tmp_path: Path) -> None:
    made = database(tmp_path)
    repository = KeyRepository(made)
    await repository.add(KEY, "digest")
    last_used = LastUsed(repository)
    last_used.note("k", 4.0)
    await last_used.close()
    stored = await repository.get("k")
    assert stored is not None
    assert stored.last_used == 4.0
    assert last_used.shown(stored) == stored
    await made.close()
