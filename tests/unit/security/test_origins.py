from __future__ import annotations

import pytest

from llmd.security.origins import configured, listed, local, own


def test_a_list_is_read_between_commas() -> None:
    assert listed(" https://A.example.com/ ,http://b:3000,, ") == {
        "https://a.example.com",
        "http://b:3000",
    }
    assert listed("") == frozenset()


def test_origins_are_compared_whole() -> None:
    allowed = listed("https://chat.example.com")
    assert configured("https://chat.example.com", allowed)
    assert configured("https://CHAT.example.com", allowed)
    for foreign in (
        "http://chat.example.com",
        "https://chat.example.com:8443",
        "https://chat.example.com.evil.net",
        "https://evil.net/https://chat.example.com",
        "null",
    ):
        assert not configured(foreign, allowed)
    assert configured("https://anything", listed("*"))


def test_a_page_of_the_address_it_calls_is_its_own() -> None:
    assert own("http://llm.lan:8000", "llm.lan:8000")
    assert own("https://llm.lan", "llm.lan:443")
    assert own("http://[2001:db8::1]:8000", "[2001:db8::1]:8000")
    assert own("http://[2001:db8::1]", "[2001:db8::1]")
    assert not own("http://llm.lan:3000", "llm.lan:8000")
    assert not own("http://evil.net", "llm.lan:8000")
    assert not own("null", "llm.lan")
    assert not own("http://", "")


@pytest.mark.parametrize(
    "origin",
    [
        "http://localhost:3000",
        "http://127.0.0.1",
        "http://[::1]:5173",
        "http://app.localhost",
        "app://obsidian.md",
        "file://",
    ],
)
def test_what_runs_here_is_local(origin: str) -> None:
    assert local(origin)


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "",
        "https://evil.net",
        "http://localhost.evil.net",
        "http://127.0.0.1.evil.net",
        "http://[bad",
    ],
)
def test_the_rest_of_the_world_is_not_local(origin: str) -> None:
    assert not local(origin)
