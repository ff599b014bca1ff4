from __future__ import annotations

import sys
from pathlib import Path

import pytest

from llmd.cli.installation import (
    addresses,
    environment,
    left_behind,
    machine_wide,
    particulars,
    program,
)
from llmd.config.paths import find_paths
from llmd.config.settings import ServerSettings, Settings
from llmd.config.values import Duration
from llmd.errors import ConfigInvalid


def executable(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def test_the_script_that_was_called_is_the_program(tmp_path: Path) -> None:
    real = executable(tmp_path / "cellar" / "llmd")
    link = tmp_path / "bin" / "llmd"
    link.parent.mkdir()
    link.symlink_to(real)
    assert program(str(link)) == (str(link),), "an update changes where it points"


def test_a_script_beside_the_interpreter_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = executable(tmp_path / "bin" / "llmd")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "bin" / "python"))
    assert program("/usr/lib/pytest/__main__.py") == (str(script),)


def test_without_a_script_the_interpreter_runs_the_module(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "llmd").write_text("no program")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    assert program(str(tmp_path / "llmd")) == (str(tmp_path / "python"), "-P", "-m", "llmd")


def test_only_whereabouts_go_into_a_service(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/tmp")
    environ = {
        "LLMD_HOME": "here",
        "LLMD_PORT": "9",
        "LLMD_SOCKET": "",
        "HF_TOKEN": "secret",
        "LLMD_ENGINE_THREADS": "2",
        "LLMD_NO_AUTOSTART": "1",
        "PATH": "/bin",
    }
    here = str(Path("here").absolute())
    assert environment(environ) == {"LLMD_HOME": here, "LLMD_PORT": "9"}
    assert left_behind(environ) == ["HF_TOKEN", "LLMD_ENGINE_THREADS"]


@pytest.mark.parametrize(
    ("host", "port", "expected"),
    [
        ("127.0.0.1", 8000, ("127.0.0.1:8000",)),
        ("::1", 8000, ("[::1]:8000",)),
        ("", 80, ("0.0.0.0:80", "[::]:80")),
        ("127.0.0.1", 0, ()),
    ],
)
def test_addresses_are_written_as_systemd_has_them(
    host: str, port: int, expected: tuple[str, ...]
) -> None:
    assert addresses(host, port) == expected


def test_names_are_looked_up_since_systemd_does_not() -> None:
    assert "127.0.0.1:81" in addresses("localhost", 81)


def test_a_host_without_address_is_a_clear_error() -> None:
    with pytest.raises(ConfigInvalid, match="has no address"):
        addresses("no such host", 80)


def test_a_service_follows_the_settings(tmp_path: Path) -> None:
    environ = {"LLMD_HOME": str(tmp_path / "100%"), "LLMD_SOCKET": "/run/x%y"}
    settings = Settings(server=ServerSettings(port=81, drain_timeout=Duration.parse("10s")))
    made = particulars(find_paths(environ), settings, environ)
    assert made.control == "/run/x%%y"
    assert made.config == f"{tmp_path}/100%%/config"
    assert made.addresses == ("127.0.0.1:81",)
    assert made.stop == 70
    assert machine_wide(settings).addresses == ("127.0.0.1:81",)


def test_answers_without_limit_make_a_stop_without_limit(tmp_path: Path) -> None:
    settings = Settings(server=ServerSettings(drain_timeout=Duration.parse("-1")))
    assert particulars(find_paths({"LLMD_HOME": str(tmp_path)}), settings, {}).stop == float("inf")
