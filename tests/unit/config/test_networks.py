"""Addresses and networks."""

from __future__ import annotations

import pytest

from llmd.config.networks import Networks


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
