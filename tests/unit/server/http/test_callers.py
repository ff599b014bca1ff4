from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from unittest.mock import Mock

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from llmd.config.networks import Networks
from llmd.config.settings import ServerSettings
from llmd.server.http.callers import credentials
from llmd.server.http.keys import SETTINGS, TRUSTED

Make = Callable[..., web.Request]


def asked(
    headers: dict[str, str], sock: object = None, remote: str | None = None, path: str = "/"
) -> web.Request:
    transport = Mock()
    known = {"socket": sock, "peername": (remote, 5) if remote else None}
    transport.get_extra_info = lambda name, default=None: known.get(name, default)
    application = web.Application()
    application[TRUSTED] = sock is not None
    application[SETTINGS] = ServerSettings(trusted_proxies=Networks("10.0.0.0/8"))
    return make_mocked_request("GET", path, headers=headers, transport=transport, app=application)


@pytest.fixture
def local() -> Iterator[socket.socket]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours


def test_a_key_may_come_in_two_headers() -> None:
    assert credentials(asked({"Authorization": "Bearer sk-very-secret"})).token == "sk-very-secret"
    assert credentials(asked({"Authorization": "bearer  other"})).token == "other"
    assert credentials(asked({"X-Api-Key": "sk-very-secret"})).token == "sk-very-secret"
    assert not credentials(asked({"Authorization": "Basic YTpi"})).token


@pytest.mark.parametrize("key", ["", "   "])
def test_an_empty_key_is_none(key: str) -> None:
    shown = credentials(asked({"Authorization": f"Bearer {key}"}, remote="::1"))
    assert (shown.token, shown.address) == ("", "::1")


def test_a_token_in_the_address_counts_for_websockets_only() -> None:
    assert not credentials(asked({}, path="/?token=abc")).token
    assert credentials(asked({"Upgrade": "websocket"}, path="/?token=abc")).token == "abc"


def test_on_the_unix_socket_the_process_is_known(local: socket.socket) -> None:
    shown = credentials(asked({}, local))
    assert not shown.address
    if hasattr(socket, "SO_PEERCRED"):
        assert shown.process == f"local:{os.getpid()}"


def test_only_a_proxy_that_is_named_speaks_for_others() -> None:
    said = {"X-Forwarded-For": "9.9.9.9"}
    assert credentials(asked(said, remote="10.0.0.1")).address == "9.9.9.9"
    assert credentials(asked(said, remote="8.8.8.8")).address == "8.8.8.8"
