"""Addresses and networks."""

from __future__ import annotations

import pytest

from llmd.config.networks import Networks, is_loopback


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.9.9.9", "::1"])
def test_loopback_is_this_machine_alone(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host", ["0.0.0.0", "::", "", "192.168.1.5", "fe80::1", "myhost.lan", "localhost.example.com"]
)
def test_other_hosts_can_be_reached_from_elsewhere(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize("text", ["", "127.0.0.1", " ::1 , 10.0.0.0/8", "10.1.2.3/8"])
def test_addresses_people_write_are_read(text: str) -> None:
    assert Networks.parse(text) == text.strip()


@pytest.mark.parametrize("wrong", ["localhost", "10.0.0.0/33", "1.2.3", 5, None])
def test_anything_else_is_refused(wrong: object) -> None:
    with pytest.raises(ValueError, match="addresses or networks"):
        Networks.parse(wrong)


def test_an_address_is_in_a_network_however_it_is_written() -> None:
    inside = Networks("10.0.0.0/8, fd00::/8")
    assert inside.contain("10.200.0.1")
    assert inside.contain("fd12::1")
    assert inside.contain("::ffff:10.0.0.1")
    assert not inside.contain("11.0.0.1")


def test_what_is_no_address_is_nowhere() -> None:
    assert not Networks("0.0.0.0/0").contain("unknown")
    assert not Networks("").contain("127.0.0.1")
