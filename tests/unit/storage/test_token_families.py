from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from llmd.errors import Unauthorized
from llmd.protocol.accounts import TokenFamily, User
from llmd.storage.token_families import FamilyRepository
from llmd.storage.users import UserRepository
from tests.fakes.databases import database

ANN = User(id="ann", name="Ann", created_at=0.0)


def family(identity: str, created_at: float = 0.0, expires_at: float = 100.0) -> TokenFamily:
    return TokenFamily(
        id=identity, user="ann", current="t1", created_at=created_at, expires_at=expires_at
    )


@pytest.fixture
async def repository(tmp_path: Path) -> AsyncIterator[FamilyRepository]:
    made = database(tmp_path)
    await UserRepository(made).add(ANN, "ann", "")
    yield FamilyRepository(made)
    await made.close()


async def test_a_login_comes_back_with_its_user(repository: FamilyRepository) -> None:
    await repository.add(family("f"))
    assert await repository.get("f") == (family("f"), ANN)
    assert await repository.get("g") is None


async def test_of_many_who_rotate_at_once_one_gets_through(repository: FamilyRepository) -> None:
    await repository.add(family("f"))
    tries = [repository.rotate("f", "t1", f"fresh {number}", 200.0) for number in range(10)]
    assert sorted(await asyncio.gather(*tries)) == [False] * 9 + [True]
    login = await repository.get("f")
    assert login is not None
    assert login.family.current.startswith("fresh")
    assert login.family.expires_at == 200.0


async def test_a_revoked_login_rotates_no_more(repository: FamilyRepository) -> None:
    await repository.add(family("f"))
    await repository.revoke("f")
    assert not await repository.rotate("f", "t1", "t2", 200.0)
    login = await repository.get("f")
    assert login is not None
    assert login.family.revoked


async def test_logins_that_are_over_are_forgotten(repository: FamilyRepository) -> None:
    await repository.add(family("old", 0.0, 10.0))
    await repository.add(family("new", 11.0))
    assert await repository.get("old") is None
    assert await repository.get("new")


async def test_a_user_has_a_hundred_logins_at_most(repository: FamilyRepository) -> None:
    for number in range(105):
        await repository.add(family(f"f{number}", float(number), 1000.0))
    kept = [number for number in range(105) if await repository.get(f"f{number}")]
    assert kept == list(range(5, 105))


async def test_nobody_who_is_gone_logs_in(repository: FamilyRepository) -> None:
    gone = TokenFamily(id="g", user="gone", current="t", created_at=0.0, expires_at=9.0)
    with pytest.raises(Unauthorized):
        await repository.add(gone)
