from __future__ import annotations

import pytest

from llmd.config.networks import Networks
from llmd.server.rpc import metadata


@pytest.mark.parametrize(
    ("peer", "host"),
    [
        ("ipv4:127.0.0.1:5000", "127.0.0.1"),
        ("ipv6:%5B::1%5D:5000", "::1"),
        ("ipv6:[2001:db8::7]:5000", "2001:db8::7"),
        ("unix:/run/s", "unix:/run/s"),
    ],
)
def test_the_host_of_a_peer_is_found(peer: str, host: str) -> None:
    assert metadata.address(peer) == host


@pytest.mark.parametrize(
    ("headers", "token"),
    [
        ({"authorization": "Bearer llmd-abc"}, "llmd-abc"),
        ({"authorization": "bearer  llmd-abc "}, "llmd-abc"),
        ({"x-api-key": "llmd-abc"}, "llmd-abc"),
        ({"authorization": "Basic abc", "x-api-key": "k"}, "k"),
        ({"authorization": "Bearer"}, ""),
        ({}, ""),
    ],
)
def test_keys_are_found_where_clients_put_them(headers: dict[str, str], token: str) -> None:
    shown = metadata.credentials(headers, "ipv4:10.0.0.1:1", "t")
    assert (shown.token, shown.address, shown.trace, shown.process) == (token, "10.0.0.1", "t", "")


def test_proxies_that_are_trusted_tell_where_a_call_comes_from() -> None:
    headers = {"x-forwarded-for": "203.0.113.9, 10.0.0.1"}
    peer = "ipv4:10.0.0.2:1"
    proxies = Networks("10.0.0.0/8")
    assert metadata.credentials(headers, peer, "t", proxies).address == "203.0.113.9"
    assert metadata.credentials(headers, peer, "t").address == "10.0.0.2"


def test_of_repeated_headers_the_first_counts_and_binary_ones_do_not() -> None:
    sent = [("x-api-key", "a"), ("x-api-key", "b"), ("trace-bin", b"\0")]
    assert metadata.first_values(sent) == {"x-api-key": "a"}


def test_request_ids_are_kept_when_fit_for_logs() -> None:
    assert metadata.trace({"x-request-id": "abc-1"}) == "abc-1"
    for odd in ("", "a b", "x" * 129, "é", "a\nb"):
        assert len(metadata.trace({"x-request-id": odd})) == 32


def test_headers_become_what_grpc_takes() -> None:
    assert metadata.plain({"X-LLMD-Would-Reload": "a\né"}) == (("x-llmd-would-reload", "a??"),)
