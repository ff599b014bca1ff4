from __future__ import annotations

from pathlib import Path

import pytest

from llmd.errors import Forbidden, InvalidRequest, NotFound
from llmd.protocol.accounts import AuditKind, KeyChanges
from llmd.protocol.callers import EVERYTHING, USUAL, Role, Scope
from llmd.protocol.limits import Allowance
from llmd.security import api_keys
from tests.fakes.accounts import village


async def test_a_secret_is_shown_once_and_stored_nowhere(tmp_path: Path) -> None:
    async with village(tmp_path) as found:
        made = await found.key(name="笔记本")
        assert api_keys.well_formed(made.secret)
        assert made.secret.startswith(made.key.prefix)
        assert await found.keys.list() == [made.key]
        await found.audit.list()
    stored = b"".join(path.read_bytes() for path in tmp_path.glob("llmd.db*"))
    assert made.secret.encode() not in stored
    assert made.key.prefix.encode() in stored


async def test_keys_get_what_their_user_may(tmp_path: Path) -> None:
    async with village(tmp_path) as found:
        root, ann = await found.user("root", Role.ADMIN), await found.user("ann")
        assert (await found.key(root.id)).key.scopes == EVERYTHING
        assert (await found.key(ann.id)).key.scopes == USUAL
        assert (await found.key()).key.scopes == USUAL
        with pytest.raises(Forbidden):
            await found.key(ann.id, scopes=[Scope.ADMIN])


async def test_a_key_is_found_by_what_people_see_of_it(tmp_path: Path) -> None:
    async with village(tmp_path) as found:
        one = (await found.key(name="one")).key
        for text in (one.id, one.prefix, "one"):
            assert await found.keys.known_as(text) == one
        await found.key(name="one")
        with pytest.raises(InvalidRequest, match="2 keys"):
            await found.keys.known_as("one")
        with pytest.raises(NotFound):
            await found.keys.known_as("llmd-")


@pytest.mark.parametrize("identity", ["", "../x", "' OR 1=1 --", "\ud800", "x" * 10_000])
async def test_hostile_ids_are_not_found(tmp_path: Path, identity: str) -> None:
    async with village(tmp_path) as found:
        made = await found.key()
        for trying in (
            found.keys.get(identity),
            found.keys.update(identity, KeyChanges(enabled=False)),
            found.keys.remove(identity),
        ):
            with pytest.raises(NotFound):
                await trying
        if identity:
            with pytest.raises(NotFound):
                await found.key(identity)
            assert await found.keys.list(identity) == []
        assert await found.keys.list() == [made.key]


@pytest.mark.parametrize("name", ["x" * 101, "new\nline", "\ud800", "\x1b[31m"])
async def test_names_that_would_spoil_a_terminal_are_refused(tmp_path: Path, name: str) -> None:
    async with village(tmp_path) as found:
        with pytest.raises(InvalidRequest):
            await found.key(name=name)
        made = await found.key(name="fine")
        with pytest.raises(InvalidRequest):
            await found.keys.update(made.key.id, KeyChanges(name=name))


async def test_a_key_that_has_expired_is_not_made(tmp_path: Path) -> None:
    async with village(tmp_path) as found:
        for moment in (found.now, found.now - 1, float("nan")):
            with pytest.raises(InvalidRequest) as refused:
                await found.key(expires_at=moment)
            assert refused.value.param == "expires_at"


async def test_changes_are_kept_and_audited(tmp_path: Path) -> None:
    async with village(tmp_path) as found:
        made = await found.key()
        changes = KeyChanges(name="new", enabled=False, limits=Allowance(requests_per_minute=1))
        changed = await found.keys.update(made.key.id, changes)
        assert (changed.name, changed.enabled) == ("new", False)
        assert changed.limits == Allowance(requests_per_minute=1)
        assert await found.keys.remove(made.key.id) == changed
        entries = await found.audit.list()
        assert [entry.kind for entry in entries] == [
            AuditKind.KEY_REMOVED,
            AuditKind.KEY_CHANGED,
            AuditKind.KEY_ADDED,
        ]
        assert {entry.subject for entry in entries} == {made.key.prefix}
        assert made.secret not in repr(entries)
