from __future__ import annotations

import pytest

from tests.fakes.daemon import FakeDaemon
from tests.unit.cli.conftest import Llmd


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What browsers were given; there is a screen."""
    found: list[str] = []
    monkeypatch.setattr("webbrowser.open", lambda url: not found.append(url))
    monkeypatch.delenv("SSH_CONNECTION", raising=False)
    monkeypatch.delenv("BROWSER", raising=False)
    monkeypatch.setenv("DISPLAY", ":0")
    return found


def test_the_chat_opens_and_its_address_is_printed(
    llmd: Llmd, daemon: FakeDaemon, opened: list[str]
) -> None:
    result = llmd("open")
    assert (result.code, result.out, result.err) == (0, "http://127.0.0.1:8000/\n", "")
    assert opened == ["http://127.0.0.1:8000/"]


def test_the_administration_opens_instead(
    llmd: Llmd, daemon: FakeDaemon, opened: list[str]
) -> None:
    assert llmd("open", "--admin").out == "http://127.0.0.1:8000/admin\n"
    assert opened == ["http://127.0.0.1:8000/admin"]


def test_scripts_get_the_address_alone(llmd: Llmd, daemon: FakeDaemon, opened: list[str]) -> None:
    result = llmd("open", "--no-browser")
    assert (result.out, result.err) == ("http://127.0.0.1:8000/\n", "")
    assert opened == []


def test_over_ssh_the_tunnel_is_told(
    llmd: Llmd, daemon: FakeDaemon, opened: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSH_CONNECTION", "10.0.0.5 51234 10.0.0.9 22")
    result = llmd("open", "--admin")
    assert result.out == "http://127.0.0.1:8000/admin\n"
    assert "ssh -N -L 8000:127.0.0.1:8000 " in result.err
    assert "open http://localhost:8000/admin there" in result.err
    assert opened == []


def test_without_a_browser_somebody_has_to_open_it(
    llmd: Llmd, daemon: FakeDaemon, opened: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webbrowser.open", lambda _url: False)
    result = llmd("open")
    assert result.code == 0
    assert "open the address" in result.err


def test_without_a_daemon_nothing_opens(llmd: Llmd, opened: list[str]) -> None:
    result = llmd("open", "--no-start")
    assert (result.code, result.out, opened) == (3, "", [])
    assert "not running" in result.err
