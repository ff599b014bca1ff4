from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from llmd.errors import Forbidden, InvalidRequest, NameTaken, NotFound, Unauthorized
from llmd.protocol.accounts import AuditKind, UserChanges
from llmd.protocol.callers import Caller, Role
from llmd.protocol.limits import Allowance
from tests.fakes.accounts import PASSWORD, village

ODD = ["../../etc", "ann' OR '1'='1", "\ud800", "", "x" * 10_000, "a\0b"]


async def test_an_account_is_made_found_changed_and_removed(tmp_path: Path) -> None:
    async with village(tmp_path) as found:
        made = await found.users.create("Ann", PASSWORD, Role.ADMIN, Allowance(concurrent=1))
        assert (made.name, made.role, made.enabled, made.last_login) == ("Ann", "admin", True, None)
        assert await found.users.get(made.id) == made
        assert await found.users.named("ANN") == made
        assert await found.users.named(made.id) == made
        changes = UserChanges(name="Anna", role=Role.USER, limits=Allowance())
        changed = await found.users.update(made.id, changes)
        assert (changed.name, changed.role, changed.limits) == ("Anna", Role.USER, Allowance())
        assert await found.users.list() == [changed]
        assert await found.users.remove(made.id) == changed
        assert await found.users.list() == []


async def test_one_name_in_another_case_is_taken(tmp_path: Path) -> None:
    async with village(tmp_path) as found:
        await found.user("ann")
        bob = await found.user("bob")
        with pytest.raises(NameTaken):
            await found.user("ANN")
        with pytest.raises(NameTaken):
            await found.users.update(bob.id, UserChanges(name="Ann"))


async def test_of_two_who_take_a_name_at_once_one_gets_it(tmp_path: Path) -> None:
    async with village(tmp_path) as found:
        results = await asyncio.gather(
            *(found.user("ann") for _ in range(5)), return_exceptions=True
        )
        assert sum(isinstance(result, NameTaken) for result in results) == 4
        assert len(await found.users.list()) == 1


@pytest.mark.parametrize("name", ODD)
async def test_hostile_names_make_nothing_and_find_nothing(tmp_path: Path, name: str) -> None:
    async with village(tmp_path) as found:
        ann = await found.user("ann")
        with pytest.raises(InvalidRequest):
            await found.user(name)
        with pytest.raises(NotFound):
            await found.users.named(name)
        with pytest.raises(NotFound):
            await found.users.get(name)
        with pytest.raises(NotFound):
            await found.users.update(name, UserChanges(enabled=False))
        with pytest.raises(NotFound):
            await found.users.remove(name)
        assert await found.users.list() == [ann]


async def test_a_weak_password_changes_nothing(tmp_path: Path) -> None:
    async with village(tmp_path) as found:
        ann = await found.user()
        with pytest.raises(InvalidRequest):
            await found.users.update(ann.id, UserChanges(password="short", enabled=False))
        assert (await found.users.get(ann.id)).enabled
        assert await found.login.login("ann", PASSWORD, "")


async def test_a_new_password_counts_and_the_old_one_does_not(tmp_path: Path) -> None:
    async with village(tmp_path) as found:
        ann = await found.user()
        await found.users.update(ann.id, UserChanges(password="another one"))
        with pytest.raises(Unauthorized):
            await found.login.login("ann", PASSWORD, "")
        assert await found.login.login("ann", "another one", "")


async def test_everything_is_audited_and_no_secret_is(tmp_path: Path) -> None:
    async with village(tmp_path) as found:
        admin = Caller(user="r", label="root", address="192.0.2.1")
        ann = await found.users.create("ann", PASSWORD, by=admin)
        await found.users.update(ann.id, UserChanges(password="another one", enabled=False))
        await found.users.remove(ann.id, by=admin)
        entries = await found.audit.list()
        assert [(entry.kind, entry.actor, entry.detail) for entry in entries] == [
            (AuditKind.USER_REMOVED, "user:root", ""),
            (AuditKind.USER_CHANGED, "owner", "password, enabled"),
            (AuditKind.USER_ADDED, "user:root", "user"),
        ]
        assert PASSWORD not in repr(entries)


@pytest.mark.parametrize("taking", ["disable", "demote", "remove"])
async def test_nobody_locks_out_themselves_or_the_last_admin(tmp_path: Path, taking: str) -> None:
    async with village(tmp_path) as found:
        ann = await found.user("ann", Role.ADMIN)

        async def take(by: Caller | None) -> None:
            if taking == "remove":
                await found.users.remove(ann.id, by=by)
            elif taking == "disable":
                await found.users.update(ann.id, UserChanges(enabled=False), by=by)
            else:
                await found.users.update(ann.id, UserChanges(role=Role.USER), by=by)

        with pytest.raises(Forbidden, match="last admin"):
            await take(Caller(key="k", label="llmd-abc"))
        await found.user("bob", Role.ADMIN)
        with pytest.raises(Forbidden, match="your own"):
            await take(Caller(user=ann.id))
        await take(Caller(user="bob"))
        assert [user.name for user in await found.users.list() if user.role is Role.ADMIN][-1]


async def test_the_owner_of_the_machine_may_remove_every_admin(tmp_path: Path) -> None:
    async with village(tmp_path) as found:
        ann = await found.user("ann", Role.ADMIN)
        await found.users.remove(ann.id, by=Caller(owner=True))
        assert await found.users.list() == []


async def test_of_two_admins_who_remove_each_other_one_stays(tmp_path: Path) -> None:
    async with village(tmp_path) as found:
        ann, bob = await found.user("ann", Role.ADMIN), await found.user("bob", Role.ADMIN)
        results = await asyncio.gather(
            found.users.remove(ann.id, by=Caller(user=bob.id)),
            found.users.remove(bob.id, by=Caller(user=ann.id)),
            return_exceptions=True,
        )
        assert sum(isinstance(result, Forbidden) for result in results) == 1
        assert len(await found.users.list()) == 1
