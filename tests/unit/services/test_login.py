from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from llmd.config.settings import AuthMode
from llmd.config.values import Duration
from llmd.errors import Forbidden, RateLimited, Unauthorized
from llmd.protocol.accounts import AuditKind, UserChanges
from tests.fakes.accounts import PASSWORD, Village, village
from tests.fakes.hashing import quick_passwords

HERE = "192.0.2.1"


async def kinds(found: Village) -> list[AuditKind]:
    return [entry.kind for entry in await found.audit.list()]


async def test_a_login_gives_tokens_and_is_noted(tmp_path: Path) -> None:
    async with village(tmp_path) as found:
        ann = await found.user()
        pair = await found.login.login("ANN", PASSWORD, HERE)
        assert (pair.token_type, pair.expires_in) == ("bearer", 900)
        assert (await found.users.get(ann.id)).last_login == found.now
        [entry, _] = await found.audit.list()
        assert (entry.kind, entry.actor, entry.address) == (AuditKind.LOGIN, "user:ann", HERE)


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("ann", "wrong"),
        ("ann", ""),
        ("nobody", PASSWORD),
        ("ann' OR '1'='1", PASSWORD),
        ("../ann", PASSWORD),
        ("\ud800", PASSWORD),
        ("ann", "\ud800"),
        ("", ""),
        ("x" * 1_000_000, "y" * 1_000_000),
    ],
)
async def test_what_is_wrong_is_not_said(tmp_path: Path, name: str, password: str) -> None:
    async with village(tmp_path) as found:
        await found.user()
        with pytest.raises(Unauthorized, match=r"name or the password") as refused:
            await found.login.login(name, password, HERE)
        assert refused.value.to_wire()["details"] == {}
        [entry, _] = await found.audit.list()
        assert entry.kind is AuditKind.LOGIN_FAILED
        # a name that is none may be a password in the wrong field
        assert entry.subject in {"ann", ""}
        assert found.refused("password") == 1


async def test_a_disabled_account_is_told_so_once_it_has_shown_its_password(
    tmp_path: Path,
) -> None:
    async with village(tmp_path) as found:
        ann = await found.user()
        await found.users.update(ann.id, UserChanges(enabled=False))
        with pytest.raises(Unauthorized, match="disabled"):
            await found.login.login("ann", PASSWORD, HERE)
        with pytest.raises(Unauthorized, match="wrong"):
            await found.login.login("ann", "wrong", HERE)


async def test_those_who_guess_are_slowed_down(tmp_path: Path) -> None:
    async with village(tmp_path) as found:
        await found.user()
        for _ in range(5):
            with pytest.raises(Unauthorized):
                await found.login.login("ann", "wrong", HERE)
        with pytest.raises(RateLimited) as refused:
            await found.login.login("ann", PASSWORD, HERE)
        assert refused.value.retry_after == 1
        assert (found.refused("password"), found.refused("throttled")) == (5, 1)
        found.now += 1
        assert await found.login.login("ann", PASSWORD, HERE)
        assert await found.login.login("ann", PASSWORD, HERE)


async def test_a_thousand_guesses_at_once_are_no_way_around(tmp_path: Path) -> None:
    async with village(tmp_path) as found:
        await found.user()
        guesses = [found.login.login("ann", f"guess {number}", HERE) for number in range(1000)]
        results = await asyncio.gather(*guesses, return_exceptions=True)
        assert sum(isinstance(result, Unauthorized) for result in results) == 5
        assert sum(isinstance(result, RateLimited) for result in results) == 995


async def test_a_refresh_token_is_good_for_one_refresh(tmp_path: Path) -> None:
    async with village(tmp_path) as found:
        await found.user()
        first = await found.login.login("ann", PASSWORD, HERE)
        second = await found.login.refresh(first.refresh_token)
        assert second.refresh_token != first.refresh_token
        assert (await found.identify(second.access_token)).label == "ann"
        third = await found.login.refresh(second.refresh_token)
        with pytest.raises(Unauthorized, match="used before"):
            await found.login.refresh(first.refresh_token, HERE)
        # whoever has the newest one now, it may be the thief
        with pytest.raises(Unauthorized):
            await found.login.refresh(third.refresh_token)
        for pair in (first, second, third):
            with pytest.raises(Unauthorized):
                await found.identify(pair.access_token)
        assert (await kinds(found))[0] is AuditKind.TOKEN_REUSED
        assert found.refused("reused") == 1


async def test_of_two_refreshes_at_once_one_gets_tokens(tmp_path: Path) -> None:
    async with village(tmp_path) as found:
        await found.user()
        pair = await found.login.login("ann", PASSWORD, HERE)
        both = [found.login.refresh(pair.refresh_token) for _ in range(2)]
        results = await asyncio.gather(*both, return_exceptions=True)
        assert sum(isinstance(result, Unauthorized) for result in results) == 1


async def test_one_login_that_ends_leaves_the_others(tmp_path: Path) -> None:
    async with village(tmp_path) as found:
        await found.user()
        laptop = await found.login.login("ann", PASSWORD, HERE)
        phone = await found.login.login("ann", PASSWORD, HERE)
        await found.login.logout(laptop.refresh_token)
        with pytest.raises(Unauthorized):
            await found.login.refresh(laptop.refresh_token)
        assert await found.login.refresh(phone.refresh_token)
        with pytest.raises(Unauthorized):
            await found.login.logout("rubbish")


async def test_an_access_token_refreshes_nothing(tmp_path: Path) -> None:
    async with village(tmp_path) as found:
        await found.user()
        pair = await found.login.login("ann", PASSWORD, HERE)
        for token in (pair.access_token, "", "a.b.c", "llmd-key"):
            with pytest.raises(Unauthorized):
                await found.login.refresh(token)


async def test_a_login_ends_after_its_time_unless_it_is_refreshed(tmp_path: Path) -> None:
    async with village(tmp_path, refresh_lifetime=Duration(100)) as found:
        await found.user()
        pair = await found.login.login("ann", PASSWORD, HERE)
        found.now += 60
        pair = await found.login.refresh(pair.refresh_token)
        found.now += 60
        pair = await found.login.refresh(pair.refresh_token)
        found.now += 100
        with pytest.raises(Unauthorized, match="expired"):
            await found.login.refresh(pair.refresh_token)


async def test_a_login_without_an_end_lasts(tmp_path: Path) -> None:
    async with village(tmp_path, access_lifetime=Duration(-1)) as found:
        await found.user()
        pair = await found.login.login("ann", PASSWORD, HERE)
        found.now += 86400 * 365
        assert await found.identify(pair.access_token)


async def test_nobody_logs_in_where_only_keys_count(tmp_path: Path) -> None:
    async with village(tmp_path, AuthMode.KEYS) as found:
        await found.user()
        with pytest.raises(Forbidden, match="keys only"):
            await found.login.login("ann", PASSWORD, HERE)
        with pytest.raises(Forbidden):
            await found.login.refresh("x")


async def test_an_outdated_hash_is_renewed_at_login(tmp_path: Path) -> None:
    async with village(tmp_path) as found:
        ann = await found.user()
        old = quick_passwords(2).hash(PASSWORD)
        await found.login._users.change(ann.id, {"password": old})
        await found.login.login("ann", PASSWORD, HERE)
        known = await found.login._users.named("ann")
        assert known is not None
        assert known.password != old
        assert await found.login.login("ann", PASSWORD, HERE)


async def test_a_browsers_login_counts_until_it_ends_and_is_noted(tmp_path: Path) -> None:
    async with village(tmp_path, browser_lifetime=Duration(3600)) as found:
        ann = await found.user()
        login = await found.login.browse("ANN", PASSWORD, HERE)
        assert login.expires_in == 3600
        caller = await found.identify(login.token)
        assert (caller.user, caller.label) == (ann.id, "ann")
        assert (await kinds(found))[0] is AuditKind.LOGIN
        found.now += 3599
        assert await found.identify(login.token)
        found.now += 1
        with pytest.raises(Unauthorized, match="expired"):
            await found.identify(login.token)


async def test_a_browsers_login_ends_when_somebody_leaves(tmp_path: Path) -> None:
    async with village(tmp_path) as found:
        await found.user()
        login, other = [await found.login.browse("ann", PASSWORD, HERE) for _ in range(2)]
        await found.login.logout(login.token)
        with pytest.raises(Unauthorized, match="over"):
            await found.identify(login.token)
        assert await found.identify(other.token)


async def test_a_browsers_login_refreshes_nothing(tmp_path: Path) -> None:
    async with village(tmp_path) as found:
        await found.user()
        login = await found.login.browse("ann", PASSWORD, HERE)
        with pytest.raises(Unauthorized):
            await found.login.refresh(login.token)


async def test_browsers_may_stay_longer_than_logins_can_be_refreshed(tmp_path: Path) -> None:
    lifetimes = {"browser_lifetime": Duration(10_000), "refresh_lifetime": Duration(100)}
    async with village(tmp_path, **lifetimes) as found:
        await found.user()
        login = await found.login.browse("ann", PASSWORD, HERE)
        found.now += 5000
        # which forgets what is over of the same user
        await found.login.browse("ann", PASSWORD, HERE)
        assert await found.identify(login.token)


async def test_a_browsers_login_may_have_no_end(tmp_path: Path) -> None:
    async with village(tmp_path, browser_lifetime=Duration(-1)) as found:
        await found.user()
        login = await found.login.browse("ann", PASSWORD, HERE)
        found.now += 5 * 365 * 86400
        assert await found.identify(login.token)


async def test_browsers_are_refused_as_everybody_is(tmp_path: Path) -> None:
    async with village(tmp_path) as found:
        ann = await found.user()
        for _ in range(5):
            with pytest.raises(Unauthorized, match="wrong"):
                await found.login.browse("ann", "wrong", HERE)
        with pytest.raises(RateLimited):
            await found.login.browse("ann", PASSWORD, HERE)
        found.now += 1
        await found.users.update(ann.id, UserChanges(enabled=False))
        with pytest.raises(Unauthorized, match="disabled") as refused:
            await found.login.browse("ann", PASSWORD, HERE)
        assert refused.value.details == {"reason": "disabled"}
    async with village(tmp_path / "keys", AuthMode.KEYS) as found:
        with pytest.raises(Forbidden):
            await found.login.browse("ann", PASSWORD, HERE)
