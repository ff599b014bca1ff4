from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from llmd.errors import NotFound
from llmd.protocol.accounts import ApiKey, User
from llmd.protocol.callers import Role, Scope
from llmd.protocol.limits import Allowance
from llmd.storage.api_keys import KeyRepository
from llmd.storage.users import UserRepository
from tests.fakes.databases import database

ANN = User(id="ann", name="Ann", role=Role.USER, created_at=0.0)
HERS = ApiKey(
    id="1",
    prefix="llmd-aa",
    name="laptop",
    user="ann",
    scopes=frozenset({Scope.GENERATE, Scope.SESSIONS}),
    created_at=1.0,
    expires_at=99.0,
    limits=Allowance(tokens_per_day=7),
)
NOBODYS = ApiKey(id="2", prefix="llmd-bb", scopes=frozenset(), created_at=2.0)


@pytest.fixture
async def repository(tmp_path: Path) -> AsyncIterator[KeyRepository]:
    made = database(tmp_path)
    await UserRepository(made).add(ANN, "ann", "")
    keys = KeyRepository(made)
    await keys.add(HERS, "digest 1")
    await keys.add(NOBODYS, "digest 2")
    yield keys
    await made.close()


async def test_keys_come_back_as_they_were(repository: KeyRepository) -> None:
    assert await repository.get("1") == HERS
    assert await repository.list() == [HERS, NOBODYS]
    assert await repository.list("ann") == [HERS]
    assert await repository.list("bob") == []
    assert await repository.list(skip=1, limit=1) == [NOBODYS]


async def test_candidates_bring_their_user_along(repository: KeyRepository) -> None:
    [hers] = await repository.candidates("llmd-aa")
    assert (hers.key, hers.digest, hers.user) == (HERS, "digest 1", ANN)
    [nobodys] = await repository.candidates("llmd-bb")
    assert (nobodys.key, nobodys.digest, nobodys.user) == (NOBODYS, "digest 2", None)
    assert await repository.candidates("llmd-%") == []


async def test_keys_change_and_go(repository: KeyRepository) -> None:
    changed = await repository.change("1", {"enabled": False})
    assert changed is not None
    assert (changed.enabled, changed.name) == (False, "laptop")
    assert await repository.change("9", {"enabled": False}) is None
    assert await repository.remove("1")
    assert not await repository.remove("1")
    assert await repository.candidates("llmd-aa") == []


async def test_many_are_noted_as_used_at_once(repository: KeyRepository) -> None:
    await repository.used({"1": 5.5, "2": 6.5, "gone": 7.5})
    assert [key.last_used for key in await repository.list()] == [5.5, 6.5]


async def test_a_key_of_a_user_who_is_gone_is_not_kept(repository: KeyRepository) -> None:
    with pytest.raises(NotFound):
        await repository.add(ApiKey(id="3", prefix="p", user="gone", created_at=0.0), "digest 3")
    assert await repository.get("3") is None
