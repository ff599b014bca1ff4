from __future__ import annotations

import pytest

from llmd.config.paths import Paths
from llmd.errors import NotFound
from tests.fakes.daemon import FakeDaemon
from tests.unit.cli.conftest import Llmd


def test_show_lists_keys_values_and_sources(
    llmd: Llmd, paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLMD_PORT", "9")
    llmd("config", "set", "pool.keep_alive", "10m")
    lines = {
        line.split()[0]: line.split()[1:]
        for line in llmd("config", "show").out.splitlines()
        if line.strip()
    }
    assert lines["server.port"] == ["9", "LLMD_PORT"]
    assert lines["pool.keep_alive"] == ["10m", str(paths.config_file)]
    assert lines["server.host"] == ["127.0.0.1", "default"]
    assert llmd("config", "show", "--json").json["server.port"] == {
        "value": 9,
        "source": "LLMD_PORT",
    }


def test_get_prints_the_value_in_force(llmd: Llmd) -> None:
    assert llmd("config", "get", "server.port") == (0, "8000\n", "")


def test_set_writes_the_file(llmd: Llmd) -> None:
    assert llmd("config", "set", "server.port", "8123") == (0, "server.port = 8123\n", "")
    assert llmd("config", "get", "server.port").out == "8123\n"


def test_set_keeps_comments(llmd: Llmd, paths: Paths) -> None:
    paths.config_dir.mkdir()
    paths.config_file.write_text("# mine\nserver.port = 1 # and this\n")
    assert llmd("config", "set", "server.port", "8123").code == 0
    assert paths.config_file.read_text() == "# mine\nserver.port = 8123 # and this\n"


def test_unset_brings_the_default_back_and_leaves_the_rest(llmd: Llmd, paths: Paths) -> None:
    paths.config_dir.mkdir()
    paths.config_file.write_text("# mine\n[server]\nport = 1\nhost = '0.0.0.0' # all\n")
    assert llmd("config", "unset", "server.port") == (0, "server.port = 8000\n", "")
    assert paths.config_file.read_text() == "# mine\n[server]\nhost = '0.0.0.0' # all\n"
    assert llmd("config", "get", "server.port").out == "8000\n"
    again = llmd("config", "unset", "server.port")
    assert again == (0, f"server.port does not stand in {paths.config_file}.\n", "")


def test_unset_rids_a_file_of_what_is_no_setting(llmd: Llmd, paths: Paths) -> None:
    paths.config_dir.mkdir()
    paths.config_file.write_text("[server]\nprot = 1\n")
    assert llmd("config", "show").code == 1
    gone = f"server.prot, which is no setting, is gone from {paths.config_file}.\n"
    assert llmd("config", "unset", "server.prot") == (0, gone, "")
    assert llmd("config", "show").code == 0


def test_unset_says_when_the_environment_wins(llmd: Llmd, monkeypatch: pytest.MonkeyPatch) -> None:
    llmd("config", "set", "server.port", "8123")
    monkeypatch.setenv("LLMD_SERVER_PORT", "9")
    assert "LLMD_SERVER_PORT still overrides it" in llmd("config", "unset", "server.port").err


def test_a_negative_value_is_no_option(llmd: Llmd) -> None:
    assert llmd("config", "set", "pool.keep_alive", "-1").out == "pool.keep_alive = -1\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("set", "server.prot", "1"), "Did you mean server.port?"),
        (("set", "server.port", "many"), "a whole number from 0 to 65535"),
        (("get", "server.prot"), "Did you mean server.port?"),
        (("unset", "server.prot"), "Did you mean server.port?"),
        (("get",), "key"),
    ],
)
def test_wrong_keys_and_values_say_what_is_allowed(
    llmd: Llmd, arguments: tuple[str, ...], words: str
) -> None:
    result = llmd("config", *arguments)
    assert result.code == 2
    assert words in result.err


def test_a_broken_file_is_named(llmd: Llmd, paths: Paths) -> None:
    paths.config_dir.mkdir()
    paths.config_file.write_text("[server\n")
    result = llmd("config", "show")
    assert result.code == 1
    assert str(paths.config_file) in result.err


def test_set_says_that_a_running_daemon_keeps_the_old_value(daemon: FakeDaemon, llmd: Llmd) -> None:
    said = "The daemon still runs with 8000; `llmd restart` makes it read the file.\n"
    assert llmd("config", "set", "server.port", "8123").err == said
    assert daemon.asked[-1][:2] == ("GET", "/control/settings/server.port")
    daemon.settings["value"] = ""
    assert "still runs without it; `llmd restart`" in llmd("config", "set", "log.level", "info").err


@pytest.mark.usefixtures("daemon")
def test_unset_says_that_a_running_daemon_keeps_the_old_value(llmd: Llmd) -> None:
    llmd("config", "set", "server.port", "8123")
    assert "llmd restart" in llmd("config", "unset", "server.port").err
    assert "llmd restart" not in llmd("config", "unset", "server.port").err


def test_what_the_daemon_has_already_needs_no_word(daemon: FakeDaemon, llmd: Llmd) -> None:
    daemon.settings["pending"] = False
    assert llmd("config", "set", "server.port", "8000").err == ""
    daemon.settings["override"] = "--port"
    said = "The daemon was started with --port, which overrides it.\n"
    assert llmd("config", "set", "server.port", "8123").err == said


def test_a_daemon_of_before_an_update_is_taken_to_have_old_settings(
    daemon: FakeDaemon, llmd: Llmd
) -> None:
    daemon.failures["/control/settings/server.port"] = NotFound("There is nothing here.")
    assert "`llmd restart`" in llmd("config", "set", "server.port", "8123").err


def test_set_says_when_the_environment_wins(llmd: Llmd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLMD_SERVER_PORT", "9")
    assert "LLMD_SERVER_PORT still overrides it" in llmd("config", "set", "server.port", "8123").err


def test_path_prints_the_file(llmd: Llmd, paths: Paths) -> None:
    assert llmd("config", "path").out == f"{paths.config_file}\n"


def test_passwords_are_kept_and_never_shown(llmd: Llmd, paths: Paths) -> None:
    shown = "database.url = postgresql://me:***@db/llmd\n"
    assert llmd("config", "set", "database.url", "postgresql://me:hunter2@db/llmd").out == shown
    assert "hunter2" in paths.config_file.read_text()
    for command in (("get", "database.url"), ("show",), ("show", "--json")):
        out = llmd("config", *command).out
        assert "postgresql://me:***@db/llmd" in out
        assert "hunter2" not in out
