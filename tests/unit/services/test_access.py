from __future__ import annotations

import asyncio
import time
from pathlib import Path

import jwt
import pytest

from llmd.config.settings import AuthMode
from llmd.errors import Forbidden, StorageFailed, Unauthorized
from llmd.protocol.accounts import AuditKind, KeyChanges, UserChanges
from llmd.protocol.callers import EVERYTHING, Caller, Credentials, Role, Scope
from llmd.protocol.limits import Allowance
from llmd.security import api_keys
from tests.fakes.accounts import PASSWORD, village

OPEN, KEYS, USERS = AuthMode.OPEN, AuthMode.KEYS, AuthMode.USERS


@pytest.mark.parametrize("mode", list(AuthMode))
async def test_whoever_comes_over_the_socket_is_the_owner(tmp_path: Path, mode: AuthMode) -> None:
    async with village(tmp_path, mode) as found:
        shown = Credentials(process="local:7", trace="t", token="llmd-forged")
        caller = await found.access.identify(shown)
        assert caller.owner
        assert (caller.client, caller.trace) == ("local:7", "t")
        found.access.permit(caller, Scope.ADMIN)


async def test_an_open_daemon_takes_any_key_and_hides_it(tmp_path: Path) -> None:
    async with village(tmp_path, OPEN) as found:
        caller = await found.identify("sk-secret")
        assert caller.client.startswith("key:")
        assert "secret" not in caller.client
        assert caller.scopes == EVERYTHING - {Scope.ADMIN}
        # aiohttp decodes what is no UTF-8 in headers to lone surrogates
        assert (await found.identify("\udcff")).client.startswith("key:")
        nobody = await found.identify("", "192.0.2.7")
        assert nobody.client == "address:192.0.2.7"


async def test_an_open_daemon_still_has_no_admins_without_a_key(tmp_path: Path) -> None:
    async with village(tmp_path, OPEN) as found:
        for token in ("", "any-key"):
            caller = await found.identify(token)
            found.access.permit(caller, Scope.GENERATE)
            with pytest.raises(Unauthorized):
                found.access.permit(caller, Scope.ADMIN)
        assert [entry.kind for entry in await found.audit.list()] == [AuditKind.REFUSED] * 2


@pytest.mark.parametrize("mode", [KEYS, USERS])
async def test_others_want_a_key_of_their_own_making(tmp_path: Path, mode: AuthMode) -> None:
    async with village(tmp_path, mode) as found:
        nobody = await found.identify("")
        found.access.permit(nobody, None)
        for scope in Scope:
            with pytest.raises(Unauthorized):
                found.access.permit(nobody, scope)
        with pytest.raises(Unauthorized):
            await found.identify("sk-any")


@pytest.mark.parametrize("mode", list(AuthMode))
async def test_what_looks_like_ours_is_never_taken_on_trust(tmp_path: Path, mode: AuthMode) -> None:
    body = {"iss": "llmd", "aud": "llmd:access", "sub": "u", "exp": time.time() + 99}
    async with village(tmp_path, mode) as found:
        for forged in (
            "llmd-anything",
            api_keys.make_key(),
            "llmd-' OR 1=1 --",
            jwt.encode(body, "x" * 64, "HS256"),
            jwt.encode(body, None, "none"),
        ):
            with pytest.raises(Unauthorized):
                await found.identify(forged)


async def test_a_key_says_who_asks_and_how_much_they_may(tmp_path: Path) -> None:
    async with village(tmp_path) as found:
        ann = await found.users.create("ann", PASSWORD, limits=Allowance(concurrent=2))
        made = await found.key(ann.id, scopes=[Scope.GENERATE], limits=Allowance(tokens_per_day=9))
        caller = await found.identify(made.secret, "192.0.2.9")
        assert caller == Caller(
            client=f"key:{made.key.prefix}",
            user=ann.id,
            key=made.key.id,
            address="192.0.2.9",
            scopes=frozenset({Scope.GENERATE}),
            label=made.key.prefix,
            key_allowance=Allowance(tokens_per_day=9),
            user_allowance=Allowance(concurrent=2),
        )
        found.access.permit(caller, Scope.GENERATE)
        with pytest.raises(Forbidden, match="sessions"):
            found.access.permit(caller, Scope.SESSIONS)
        assert made.secret not in repr(caller)


async def test_the_same_key_is_looked_up_once(tmp_path: Path) -> None:
    async with village(tmp_path) as found:
        made = await found.key()
        first = await found.identify(made.secret)
        await found.database.close()
        for number in range(100):
            again = await found.identify(made.secret, f"192.0.2.{number}")
            assert again.key == first.key
        with pytest.raises(StorageFailed):
            await found.identify(api_keys.make_key())


async def test_a_database_out_of_reach_lets_nobody_in(tmp_path: Path) -> None:
    async with village(tmp_path) as found:
        made = await found.key()
        await found.database.close()
        with pytest.raises(StorageFailed):
            await found.identify(made.secret)


async def test_a_memory_that_is_stale_is_looked_up_again_by_one(tmp_path: Path) -> None:
    async with village(tmp_path) as found:
        made = await found.key()
        await found.identify(made.secret)
        # another daemon on the same database
        async with village(tmp_path) as other:
            await other.keys.update(made.key.id, KeyChanges(enabled=False))
        assert await found.identify(made.secret)
        found.now += 31
        for _ in range(3):
            with pytest.raises(Unauthorized, match="disabled"):
                await found.identify(made.secret)
            found.now += 1


async def test_a_login_that_another_daemon_ended_stays_ended(tmp_path: Path) -> None:
    async with village(tmp_path, USERS) as found:
        ann = await found.user()
        token = (await found.login.login(ann.name, PASSWORD, "192.0.2.1")).access_token
        await found.identify(token)
        async with village(tmp_path, USERS) as other:
            await other.users.update(ann.id, UserChanges(enabled=False))
        found.now += 31
        for _ in range(3):
            with pytest.raises(Unauthorized):
                await found.identify(token)
            found.now += 1


@pytest.mark.parametrize("way", ["disabled", "removed", "user disabled", "user removed"])
async def test_what_is_taken_away_is_gone_at_once(tmp_path: Path, way: str) -> None:
    async with village(tmp_path) as found:
        ann = await found.user()
        made = await found.key(ann.id)
        assert await found.identify(made.secret)
        if way == "disabled":
            await found.keys.update(made.key.id, KeyChanges(enabled=False))
        elif way == "removed":
            await found.keys.remove(made.key.id)
        elif way == "user disabled":
            await found.users.update(ann.id, UserChanges(enabled=False))
        else:
            await found.users.remove(ann.id)
        with pytest.raises(Unauthorized):
            await found.identify(made.secret)
        if "removed" not in way:
            await found.keys.update(made.key.id, KeyChanges(enabled=True))
            await found.users.update(ann.id, UserChanges(enabled=True))
            assert await found.identify(made.secret)


async def test_a_role_that_is_lowered_takes_its_keys_along(tmp_path: Path) -> None:
    async with village(tmp_path) as found:
        ann = await found.user(role=Role.ADMIN)
        made = await found.key(ann.id)
        assert Scope.ADMIN in (await found.identify(made.secret)).scopes
        await found.users.update(ann.id, UserChanges(role=Role.USER))
        assert Scope.ADMIN not in (await found.identify(made.secret)).scopes


async def test_a_key_expires_also_while_it_is_remembered(tmp_path: Path) -> None:
    async with village(tmp_path) as found:
        made = await found.key(expires_at=found.now + 5)
        assert await found.identify(made.secret)
        found.now += 5
        with pytest.raises(Unauthorized, match="expired"):
            await found.identify(made.secret)


async def test_a_token_of_a_login_counts_until_it_expires(tmp_path: Path) -> None:
    async with village(tmp_path) as found:
        ann = await found.user()
        pair = await found.login.login("ann", PASSWORD, "192.0.2.1")
        caller = await found.identify(pair.access_token)
        assert (caller.user, caller.client, caller.label) == (ann.id, "account:ann", "ann")
        assert caller.login
        with pytest.raises(Unauthorized):
            await found.identify(pair.refresh_token)
        found.now += pair.expires_in
        with pytest.raises(Unauthorized, match="expired"):
            await found.identify(pair.access_token)


@pytest.mark.parametrize("way", ["logout", "password", "disabled", "removed"])
async def test_a_login_that_is_over_opens_nothing(tmp_path: Path, way: str) -> None:
    async with village(tmp_path) as found:
        ann = await found.user()
        pair = await found.login.login("ann", PASSWORD, "192.0.2.1")
        assert await found.identify(pair.access_token)
        if way == "logout":
            await found.login.logout(pair.access_token)
        elif way == "removed":
            await found.users.remove(ann.id)
        elif way == "password":
            await found.users.update(ann.id, UserChanges(password="another one"))
        else:
            await found.users.update(ann.id, UserChanges(enabled=False))
            await found.users.update(ann.id, UserChanges(enabled=True))
        with pytest.raises(Unauthorized):
            await found.identify(pair.access_token)
        with pytest.raises(Unauthorized):
            await found.login.refresh(pair.refresh_token)


async def test_where_only_keys_count_logins_do_not(tmp_path: Path) -> None:
    async with village(tmp_path, USERS) as found:
        await found.user()
        pair = await found.login.login("ann", PASSWORD, "192.0.2.1")
    async with village(tmp_path, KEYS) as found:
        with pytest.raises(Unauthorized, match="only keys"):
            await found.identify(pair.access_token)


async def test_stale_credentials_do_no_harm_where_anybody_may_ask(tmp_path: Path) -> None:
    async with village(tmp_path, USERS) as found:
        shown = Credentials(token="llmd-stale", address="192.0.2.1")
        caller = await found.access.admit(shown, None)
        assert (caller.user, caller.scopes) == ("", frozenset())
        assert found.refused("key") == 0
        with pytest.raises(Unauthorized):
            await found.access.admit(shown, Scope.GENERATE)
        assert found.refused("key") == 1


async def test_the_memory_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("llmd.services.access._REMEMBERED", 3)
    async with village(tmp_path) as found:
        secrets = [(await found.key()).secret for _ in range(6)]
        for secret in secrets:
            await found.identify(secret)
        assert len(found.access._known) == 3
        assert await found.identify(secrets[0])


async def test_a_key_that_is_used_is_noted_as_used(tmp_path: Path) -> None:
    async with village(tmp_path) as found:
        made = await found.key()
        assert (await found.keys.get(made.key.id)).last_used is None
        await found.identify(made.secret)
        assert (await found.keys.get(made.key.id)).last_used == found.now


async def test_a_change_while_the_database_is_asked_is_not_missed(tmp_path: Path) -> None:
    async with village(tmp_path) as found:
        made = await found.key()
        asking = asyncio.ensure_future(found.identify(made.secret))
        await asyncio.sleep(0)
        await found.keys.update(made.key.id, KeyChanges(enabled=False))
        await asyncio.wait([asking])
        with pytest.raises(Unauthorized):
            await found.identify(made.secret)


async def test_key_digests_are_compared_in_constant_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared = []
    real = api_keys.same

    def same(one: str, other: str) -> bool:
        compared.append(one)
        return real(one, other)

    monkeypatch.setattr(api_keys, "same", same)
    async with village(tmp_path) as found:
        made = await found.key()
        await found.identify(made.secret)
    assert compared == [api_keys.digest(made.secret)]
