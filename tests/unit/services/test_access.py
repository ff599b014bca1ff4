from __future__ import annotations

import pytest

from llmd.errors import Forbidden
from llmd.protocol.callers import Credentials, Scope
from llmd.services.access import Access


async def test_whoever_comes_over_the_socket_is_the_owner() -> None:
    caller = await Access().identify(Credentials(process="local:7", trace="t"))
    assert caller.owner
    assert (caller.client, caller.trace) == ("local:7", "t")
    Access().permit(caller, Scope.ADMIN)


async def test_a_key_is_not_shown() -> None:
    caller = await Access().identify(Credentials(token="sk-secret", address="::1"))
    assert caller.client.startswith("key:")
    assert "secret" not in caller.client


async def test_keys_with_odd_bytes_do_no_harm() -> None:
    # aiohttp decodes what is no UTF-8 in headers to lone surrogates
    assert (await Access().identify(Credentials(token="\udcff"))).client.startswith("key:")


async def test_strangers_may_not_administer() -> None:
    caller = await Access().identify(Credentials(address="192.0.2.7"))
    assert caller.client == "address:192.0.2.7"
    Access().permit(caller, Scope.GENERATE)
    with pytest.raises(Forbidden):
        Access().permit(caller, Scope.ADMIN)
