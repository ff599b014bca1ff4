from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.dialects import postgresql

from llmd.errors import NameTaken
from llmd.protocol.accounts import ApiKey, TokenFamily, User
from llmd.protocol.callers import Role, Scope
from llmd.protocol.limits import Allowance
from llmd.storage import Database
from llmd.storage.api_keys import KeyRepository
from llmd.storage.tables.accounts import api_keys, users
from llmd.storage.token_families import FamilyRepository
from llmd.storage.users import UserRepository, labelled
from tests.fakes.databases import database

ANN = User(
    id="a" * 36, name="Ann", role=Role.ADMIN, created_at=1.25, limits=Allowance(concurrent=3)
)


@pytest.fixture
async def opened(tmp_path: Path) -> AsyncIterator[Database]:
    made = database(tmp_path)
    yield made
    await made.close()


@pytest.fixture
def repository(opened: Database) -> UserRepository:
    return UserRepository(opened)


async def test_an_account_comes_back_as_it_was(repository: UserRepository) -> None:
    await repository.add(ANN, "ann", "hash")
    assert await repository.get(ANN.id) == ANN
    known = await repository.named("ann")
    assert known is not None
    assert (known.user, known.password) == (ANN, "hash")
    assert await repository.named("Ann") is None
    assert await repository.get("nobody") is None


async def test_a_name_belongs_to_one(repository: UserRepository) -> None:
    await repository.add(ANN, "ann", "hash")
    with pytest.raises(NameTaken, match="ANN"):
        await repository.add(User(id="b", name="ANN", created_at=2.0), "ann", "hash")
    await repository.add(User(id="b", name="Bob", created_at=2.0), "bob", "hash")
    with pytest.raises(NameTaken):
        await repository.change("b", {"name": "ann", "folded": "ann"})
    assert [user.name for user in await repository.list()] == ["Ann", "Bob"]


async def test_lists_are_by_name_and_in_pages(repository: UserRepository) -> None:
    for name in ("cid", "ann", "bob"):
        await repository.add(User(id=name, name=name, created_at=0.0), name, "")
    assert [user.name for user in await repository.list()] == ["ann", "bob", "cid"]
    assert [user.name for user in await repository.list(1, 1)] == ["bob"]
    assert await repository.list(9) == []


async def test_only_what_is_named_changes(repository: UserRepository) -> None:
    await repository.add(ANN, "ann", "hash")
    changed = await repository.change(ANN.id, {"enabled": False, "last_login": 9.5})
    assert changed is not None
    assert (changed.enabled, changed.last_login, changed.role) == (False, 9.5, Role.ADMIN)
    assert await repository.change(ANN.id, {}) == changed
    assert await repository.change("nobody", {"enabled": False}) is None


async def test_what_belongs_to_an_account_goes_with_it(
    opened: Database, repository: UserRepository
) -> None:
    await repository.add(ANN, "ann", "hash")
    keys, families = KeyRepository(opened), FamilyRepository(opened)
    key = ApiKey(id="k", prefix="llmd-1", user=ANN.id, scopes=frozenset(Scope), created_at=0.0)
    await keys.add(key, "digest")
    await families.add(
        TokenFamily(id="f", user=ANN.id, current="t", created_at=0.0, expires_at=9.0)
    )
    assert await repository.remove(ANN.id)
    assert not await repository.remove(ANN.id)
    assert await keys.get("k") is None
    assert await families.get("f") is None


async def test_a_change_can_end_all_logins(opened: Database, repository: UserRepository) -> None:
    families = FamilyRepository(opened)
    for user in (ANN, User(id="b", name="Bob", created_at=0.0)):
        await repository.add(user, user.name.lower(), "hash")
        await families.add(
            TokenFamily(id=user.name, user=user.id, current="t", created_at=0.0, expires_at=9.0)
        )
    await repository.change(ANN.id, {"password": "new"}, ends_logins=True)
    ended, running = await families.get("Ann"), await families.get("Bob")
    assert ended is not None
    assert running is not None
    assert (ended.family.revoked, running.family.revoked) == (True, False)


async def test_names_are_values_and_never_sql(repository: UserRepository) -> None:
    odd = "x'; DROP TABLE users; --"
    await repository.add(User(id=odd, name=odd, created_at=0.0), odd, "")
    found = await repository.get(odd)
    assert found is not None
    assert found.name == odd
    assert await repository.named("' OR '1'='1") is None


def test_statements_compile_for_postgresql() -> None:
    query = select(api_keys, *labelled()).select_from(api_keys.outerjoin(users))
    text = str(query.compile(dialect=postgresql.dialect()))
    # `user` is a word of SQL
    assert 'api_keys."user"' in text
    assert "user_name" in text
