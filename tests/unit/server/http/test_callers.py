from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from unittest.mock import Mock

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from llmd.server.http.callers import caller, is_owner

Make = Callable[..., web.Request]


def asked(headers: dict[str, str], sock: object = None, remote: str | None = None) -> web.Request:
    transport = Mock()
    known = {"socket": sock, "peername": (remote, 5) if remote else None}
    transport.get_extra_info = lambda name, default=None: known.get(name, default)
    return make_mocked_request("POST", "/", headers=headers, transport=transport)


@pytest.fixture
def local() -> Iterator[socket.socket]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours


def test_a_key_counts_before_all_and_is_not_shown() -> None:
    bearer = caller(asked({"Authorization": "Bearer sk-very-secret"}), "ann")
    assert bearer.startswith("key:")
    assert "secret" not in bearer
    assert caller(asked({"X-Api-Key": "sk-very-secret"}), None) == bearer
    assert caller(asked({"Authorization": "bearer  other"}), None) != bearer


def test_a_user_counts_before_the_address() -> None:
    assert caller(asked({}, remote="192.0.2.7"), "ann") == "user:ann"
    assert caller(asked({"Authorization": "Basic YTpi"}), "王五") == "user:王五"


def test_a_long_name_is_shortened_to_something_of_its_own() -> None:
    first, second = (caller(asked({}), "x" * 100_000 + end) for end in "ab")
    assert len(first) < 70
    assert first != second


@pytest.mark.parametrize("key", ["", "   "])
def test_an_empty_key_is_none(key: str) -> None:
    assert caller(asked({"Authorization": f"Bearer {key}"}, remote="::1"), "") == "address:::1"


def test_whoever_says_nothing_is_known_by_the_address() -> None:
    assert caller(asked({}, remote="192.0.2.7"), None) == "address:192.0.2.7"
    assert not is_owner(asked({}, remote="192.0.2.7"))


def test_on_the_unix_socket_the_process_is_known(local: socket.socket) -> None:
    request = asked({}, local)
    assert is_owner(request)
    if hasattr(socket, "SO_PEERCRED"):
        assert caller(request, None) == f"local:{os.getpid()}"
    assert caller(request, "ann") == "user:ann"


def test_keys_with_odd_bytes_do_no_harm() -> None:
    # aiohttp decodes what is no UTF-8 in headers to lone surrogates
    request = Mock(headers={"Authorization": "Bearer \udcff\udcfe"})
    assert caller(request, None).startswith("key:")
