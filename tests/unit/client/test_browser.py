from __future__ import annotations

import webbrowser

import pytest

from llmd.client import browser

HOP = {"SSH_CONNECTION": "10.0.0.5 51234 10.0.0.9 22"}


@pytest.mark.parametrize(
    ("environ", "platform", "seen"),
    [
        ({"DISPLAY": ":0"}, "linux", True),
        ({"WAYLAND_DISPLAY": "wayland-0"}, "linux", True),
        ({}, "linux", False),
        ({}, "darwin", True),
        (HOP, "darwin", False),
        ({**HOP, "DISPLAY": "localhost:10.0"}, "linux", False),
        ({**HOP, "BROWSER": "/editor/browser.sh"}, "linux", True),
    ],
)
def test_a_browser_is_seen_where_there_is_a_screen(
    environ: dict[str, str], platform: str, seen: bool
) -> None:
    assert browser.has_screen(environ, platform) is seen


def test_the_way_from_elsewhere_is_a_tunnel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("getpass.getuser", lambda: "ann")
    url = "http://127.0.0.1:8000/admin"
    assert browser.way_there(url, HOP) == "ssh -N -L 8000:127.0.0.1:8000 ann@10.0.0.9"
    assert browser.by_tunnel(url) == "http://localhost:8000/admin"
    other = {"SSH_CONNECTION": "10.0.0.5 51234 fe80::1 2222"}
    line = browser.way_there("http://[::1]:81/", other)
    assert line == "ssh -N -L 81:[::1]:81 -p 2222 ann@fe80::1"


def test_without_ssh_the_machine_goes_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def nameless() -> str:
        raise KeyError("uid not found")

    monkeypatch.setattr("getpass.getuser", nameless)
    monkeypatch.setattr("os.getuid", lambda: 1000)
    monkeypatch.setattr("socket.gethostname", lambda: "box")
    assert browser.way_there("http://127.0.0.1:81/", {}).endswith(" 1000@box")


def test_a_browser_that_cannot_start_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", lambda url: not opened.append(url))
    assert browser.show("http://x/")
    assert opened == ["http://x/"]

    def broken(_url: str) -> bool:
        raise webbrowser.Error("could not locate runnable browser")

    monkeypatch.setattr("webbrowser.open", broken)
    assert not browser.show("http://x/")
