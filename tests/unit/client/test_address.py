from __future__ import annotations

import pytest

from llmd.client.address import local, reachable


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("0.0.0.0", "http://127.0.0.1:8000"),
        ("::", "http://[::1]:8000"),
        ("192.168.1.5", "http://192.168.1.5:8000"),
    ],
)
def test_an_address_is_one_that_can_be_reached(host: str, address: str) -> None:
    assert reachable(host, 8000) == address


def test_what_the_daemon_tells_is_turned_into_one() -> None:
    assert local("http://0.0.0.0:81") == "http://127.0.0.1:81"
    assert local("http://[::]:81") == "http://[::1]:81"
    assert local("http://127.0.0.1:8000") == "http://127.0.0.1:8000"
