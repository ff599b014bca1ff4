from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import pytest

from llmd.cli.completing import names
from llmd.config.paths import Paths
from tests.fakes.daemon import LOADED, TINY, FakeDaemon

MOMENT = names.PATIENCE

TABLE: dict[str, Any] = {
    "catalogue": {
        "qwen3-4b": {"help": "Good", "variants": ["Q5_0", "Q8_0"]},
        "gemma3-1b": {"help": "Small", "variants": []},
    },
    "settings": {"log.level": {"help": "", "choices": ["debug", "info"]}},
    "types": ["Q4_0", "Q4_K_M", "Q8_0"],
}


def of(kind: str, typed: str = "", *before: str) -> list[str]:
    return [name for name, _ in names.of(kind, typed, before, TABLE)]


def test_models_come_from_the_daemon_with_what_they_are(daemon: FakeDaemon) -> None:
    daemon.models.append({**TINY, "name": "qwen3-4b"})
    assert names.of("models", "q", (), TABLE) == [("qwen3-4b", "chat Q8_0")]
    daemon.loaded.append(dict(LOADED))
    assert of("loaded") == ["llmd-tiny"]


def test_other_names_of_the_daemon(daemon: FakeDaemon) -> None:
    adapters = [{"name": "style"}, {"name": "tone"}]
    daemon.models = [{**TINY, "adapters": adapters}, {**TINY, "name": "b", "adapters": []}]
    daemon.live = [{"id": 7, "model": "llmd-tiny", "state": "writing"}]
    daemon.answers["/control/users"] = {"users": [{"name": "ada", "role": "admin"}]}
    key = {"key": {"prefix": "llmd_ab", "name": "editor"}, "user": "ada"}
    daemon.answers["/control/keys"] = {"keys": [key]}
    assert of("adapters") == ["style", "tone"]
    assert of("adapters", "", "b") == []
    assert of("requests") == ["7"]
    assert of("users", "a") == ["ada"]
    assert names.of("keys", "", (), TABLE) == [("llmd_ab", "editor ada")]


def test_sessions_have_titles_or_ids(daemon: FakeDaemon) -> None:
    rows = [
        {"id": "1f0c2233-aaaa", "title": "My trip"},
        {"id": "2b000000-bbbb", "title": ""},
        {"id": "3c000000-cccc", "title": "two\nlines"},
    ]
    path = "/control/sessions?active_only=false&limit=100"
    daemon.answers[path] = {"sessions": rows}
    assert of("sessions") == ["My trip", "2b000000", "3c000000"]
    assert of("sessions", "My") == ["My trip"]
    assert of("sessions", "1f0c") == ["1f0c2233"]
    assert of("sessions", "1f0c2233-a") == ["1f0c2233-aaaa"]


def test_the_catalogue_needs_no_daemon_and_shows_variants_late(paths: Paths) -> None:
    assert of("catalogue", "q") == ["qwen3-4b"]
    assert of("catalogue", "qwen3-4b:") == ["qwen3-4b:Q5_0", "qwen3-4b:Q8_0"]
    paths.config_dir.mkdir()
    paths.catalog_file.write_text("[[model]]\nalias = 'mine'\nsource = 'a/b'\n")
    assert of("catalogue", "m") == ["mine"]


@pytest.mark.parametrize("text", ["model = 5", "not toml", "[[model]]\nalias = 3\n"])
def test_a_damaged_catalogue_hides_nothing_else(paths: Paths, text: str) -> None:
    paths.config_dir.mkdir()
    paths.catalog_file.write_text(text)
    assert of("catalogue", "g") == ["gemma3-1b"]


@pytest.mark.usefixtures("paths")
def test_what_stands_in_the_table() -> None:
    assert of("settings") == ["log.level"]
    assert of("values", "i", "log.level") == ["info"]
    assert of("values", "", "no.such") == []
    assert of("types", "Q4") == ["Q4_0", "Q4_K_M"]
    assert of("types", "q8") == ["q8_0"]
    assert of("unheard_of") == []


def test_without_a_daemon_there_is_nothing_and_none_is_started(
    monkeypatch: pytest.MonkeyPatch, paths: Paths
) -> None:
    monkeypatch.delenv("LLMD_NO_AUTOSTART")
    assert of("models") == []
    assert not paths.socket.exists()


def test_a_daemon_that_sleeps_is_not_woken(
    daemon: FakeDaemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(names, "asleep", lambda _: True)
    assert of("models") == []
    assert daemon.asked == []


@pytest.fixture
def silent(paths: Paths) -> Iterator[None]:
    """A listener that says nothing."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(paths.socket))
        server.listen()
        yield


@pytest.mark.usefixtures("silent")
def test_a_daemon_that_hangs_costs_a_moment_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names, "PATIENCE", MOMENT)
    assert names.ask("/control/models") == {}


@pytest.mark.parametrize(
    "said",
    [
        b"HTTP/1.0 500 Oh\r\n\r\n{}",
        b"HTTP/1.0 200 OK\r\n\r\n[1]",
        b"HTTP/1.0 200 OK\r\n\r\n{bad",
        b"garbage",
    ],
)
def test_odd_answers_are_none(said: bytes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(names, "asleep", lambda _: False)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(said)
        theirs.shutdown(socket.SHUT_WR)
        monkeypatch.setattr(names.socket, "socket", lambda *_: _Connected(ours))
        assert names.ask("/x") == {}


class _Connected:
    """A socket that is connected already."""

    def __init__(self, link: socket.socket) -> None:
        self._link = link

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Leave it open."""

    def connect(self, _path: str) -> None:
        """It is."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._link, name)
