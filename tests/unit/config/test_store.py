from __future__ import annotations

import errno
import os
import stat
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from llmd.config.settings import Settings
from llmd.config.store import (
    allowed,
    convert,
    faults,
    flatten,
    keys,
    load_settings,
    set_value,
    unset_value,
    written,
)
from llmd.config.values import Duration
from llmd.errors import ConfigInvalid


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where config.toml would be."""
    return tmp_path / "config" / "config.toml"


def write(file: Path, text: str) -> None:
    file.parent.mkdir(exist_ok=True)
    file.write_text(text, encoding="utf-8")


def test_without_a_file_and_variables_all_is_default(file: Path) -> None:
    loaded = load_settings(file, {})
    assert loaded.settings == Settings()
    assert set(loaded.sources) == set(keys())
    assert set(loaded.sources.values()) == {"default"}


def test_environment_comes_before_the_file_and_the_file_before_defaults(file: Path) -> None:
    write(file, "[server]\nport = 1\nhost = '0.0.0.0'\n[pool]\nkeep_alive = '10m'\n")
    loaded = load_settings(file, {"LLMD_SERVER_PORT": "2", "OTHER": "x"})
    assert (loaded.settings.server.port, loaded.settings.server.host) == (2, "0.0.0.0")
    assert loaded.settings.pool.keep_alive == Duration(600)
    assert loaded.sources["server.port"] == "LLMD_SERVER_PORT"
    assert loaded.sources["server.host"] == str(file)
    assert loaded.sources["pool.max_loaded"] == "default"


@pytest.mark.parametrize(
    ("name", "value", "key", "expected"),
    [
        ("LLMD_HOST", "::1", "server.host", "::1"),
        ("LLMD_PORT", "9", "server.port", 9),
        ("LLMD_KEEP_ALIVE", "1h", "pool.keep_alive", "1h"),
        ("LLMD_MODEL", "x", "models.default", "x"),
        ("LLMD_SAMPLING_TEMPERATURE", "0.5", "sampling.temperature", 0.5),
        ("LLMD_ENGINE_KV_TYPE", "q8_0", "engine.kv_type", "q8_0"),
        ("LLMD_ENGINE_GPU_LAYERS", "-1", "engine.gpu_layers", -1),
    ],
)
def test_variables_set_their_key(
    file: Path, name: str, value: str, key: str, expected: object
) -> None:
    loaded = load_settings(file, {name: value})
    assert flatten(loaded.settings)[key] == expected
    assert loaded.sources[key] == name


def test_an_empty_variable_sets_nothing(file: Path) -> None:
    assert load_settings(file, {"LLMD_PORT": ""}).settings == Settings()


def test_variables_of_other_purposes_are_left_alone(file: Path) -> None:
    assert load_settings(file, {"LLMD_HOME": "/x", "LLMD_SOCKET": "/y", "LLMD_NO_AUTOSTART": "1"})


def test_a_misspelt_variable_is_named_with_the_one_that_was_meant(file: Path) -> None:
    with pytest.raises(ConfigInvalid, match="LLMD_SERVER_PROT sets nothing") as caught:
        load_settings(file, {"LLMD_SERVER_PROT": "1"})
    assert "LLMD_SERVER_PORT" in caught.value.hint


def test_a_misspelt_key_is_named_with_the_file_and_the_one_that_was_meant(file: Path) -> None:
    write(file, "[server]\nprot = 1\n")
    with pytest.raises(ConfigInvalid) as caught:
        load_settings(file, {})
    assert str(file) in caught.value.message
    assert "server.prot" in caught.value.message
    assert "server.port" in caught.value.hint
    assert caught.value.param == "server.prot"


@pytest.mark.parametrize(
    ("text", "key", "hint"),
    [
        ("[server]\nport = 70000", "server.port", "a whole number from 0 to 65535"),
        ("[server]\nport = '80a'", "server.port", "a whole number from 0 to 65535"),
        ("[server]\nport = true", "server.port", "a whole number"),
        ("[pool]\nkeep_alive = 'soon'", "pool.keep_alive", "a duration such as"),
        ("[server]\nmax_body = -3", "server.max_body", "a size such as"),
        ("[log]\nlevel = 'loud'", "log.level", "one of debug, info, warning, error"),
        ("[sampling]\ntop_p = 1.5", "sampling.top_p", "a number from 0 to 1"),
        ("[server]\nhost = 3", "server.host", "a text"),
        ("[pool]\nmax_loaded = -1", "pool.max_loaded", "a whole number of at least 0"),
    ],
)
def test_a_bad_value_names_the_file_the_key_and_what_is_allowed(
    file: Path, text: str, key: str, hint: str
) -> None:
    write(file, text)
    with pytest.raises(ConfigInvalid) as caught:
        load_settings(file, {})
    assert str(file) in caught.value.message
    assert key in caught.value.message
    assert hint in caught.value.hint


def test_a_bad_value_of_a_variable_names_the_variable(file: Path) -> None:
    with pytest.raises(ConfigInvalid, match=r"environment variable LLMD_PORT: server\.port is 'x'"):
        load_settings(file, {"LLMD_PORT": "x"})


def test_broken_toml_names_the_line(file: Path) -> None:
    write(file, "[server\n")
    with pytest.raises(ConfigInvalid, match=r"not valid TOML: .*line 1"):
        load_settings(file, {})


def test_bytes_that_are_no_text_are_refused(file: Path) -> None:
    file.parent.mkdir()
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigInvalid, match="not valid TOML"):
        load_settings(file, {})


def test_a_directory_in_place_of_the_file_is_refused(file: Path) -> None:
    file.mkdir(parents=True)
    with pytest.raises(ConfigInvalid, match="cannot be read"):
        load_settings(file, {})


def test_a_key_outside_a_section_is_refused(file: Path) -> None:
    write(file, "port = 1\n")
    with pytest.raises(ConfigInvalid, match="port stands outside a section"):
        load_settings(file, {})


def test_every_key_says_what_it_takes() -> None:
    assert all(allowed(hint) for hint in keys().values())


def test_every_default_is_allowed_as_it_is_shown() -> None:
    for key, value in flatten(Settings()).items():
        convert(key, value, "test")
        convert(key, str(value), "test")


def test_a_written_value_is_read_back_and_the_rest_is_kept(file: Path) -> None:
    assert set_value(file, "server.port", "81") == 81
    assert set_value(file, "pool.keep_alive", "90m") == "90m"
    assert tomllib.loads(file.read_text()) == {
        "server": {"port": 81},
        "pool": {"keep_alive": "90m"},
    }
    assert load_settings(file, {}).settings.pool.keep_alive == Duration(5400)


def test_a_refused_value_leaves_the_file_alone(file: Path) -> None:
    set_value(file, "server.port", "81")
    before = file.read_bytes()
    with pytest.raises(ConfigInvalid, match=r"command line: server\.port is 'no'"):
        set_value(file, "server.port", "no")
    with pytest.raises(ConfigInvalid, match=r"there is no setting server\.prt"):
        set_value(file, "server.prt", "1")
    assert file.read_bytes() == before
    assert [path.name for path in file.parent.iterdir()] == ["config.toml"]


def test_a_broken_file_is_not_overwritten(file: Path) -> None:
    write(file, "[server\n")
    with pytest.raises(ConfigInvalid, match="not valid TOML"):
        set_value(file, "server.port", "81")
    assert file.read_text() == "[server\n"


def test_a_symbolic_link_stays_one(file: Path, tmp_path: Path) -> None:
    target = tmp_path / "dotfiles.toml"
    target.write_text("[server]\nport = 5\n")
    file.parent.mkdir()
    file.symlink_to(target)
    set_value(file, "server.port", "6")
    assert file.is_symlink()
    assert tomllib.loads(target.read_text()) == {"server": {"port": 6}}


def test_mode_and_owner_of_a_file_stay(file: Path) -> None:
    write(file, "[server]\nport = 5\n")
    file.chmod(0o644)
    owner = (65534, 65534) if os.getuid() == 0 else (os.getuid(), os.getgid())
    os.chown(file, *owner)
    set_value(file, "server.port", "6")
    found = file.stat()
    assert stat.S_IMODE(found.st_mode) == 0o644
    assert (found.st_uid, found.st_gid) == owner


def test_a_new_file_is_the_owners_alone(file: Path) -> None:
    set_value(file, "database.url", "postgresql://somebody:secret@host/llmd")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_file_that_cannot_be_written_is_told_and_nothing_is_left(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(file, "[server]\nport = 5\n")

    def full(path: Path, target: Path) -> Path:
        raise OSError(errno.ENOSPC, "No space left on device", str(path), None, str(target))

    monkeypatch.setattr(Path, "replace", full)
    for change in (lambda: set_value(file, "server.port", "6"), lambda: unset(file)):
        with pytest.raises(ConfigInvalid, match=r"cannot be written: No space left on device\."):
            change()
    assert [path.name for path in file.parent.iterdir()] == ["config.toml"]
    assert written(file) == {"server": {"port": 5}}


def unset(file: Path) -> None:
    unset_value(file, "server.port")


def test_all_faults_are_told_at_once(file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("[server]\nprot = 1\nport = 'x'\nhost = 'here'\n[logg]\nlevel = 'info'\n")
    found = faults(file, {"LLMD_SERVER_PROT": "1", "LLMD_PORT": "y", "PATH": "/bin"})
    assert [error.param for error in found] == [
        "server.prot",
        "server.port",
        "logg.level",
        "LLMD_SERVER_PROT",
        "server.port",
    ]
    assert found[0].hint == "Did you mean server.port?"


def test_sound_settings_have_no_faults(file: Path) -> None:
    assert faults(file, {}) == []
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("not toml")
    (error,) = faults(file, {})
    assert "is not valid TOML" in error.message


def test_a_value_taken_out_leaves_its_default(file: Path) -> None:
    set_value(file, "server.port", "81")
    set_value(file, "server.host", "::1")
    unset_value(file, "server.port")
    unset_value(file, "pool.turn")
    assert written(file) == {"server": {"host": "::1"}}
    unset_value(file, "server.host")
    assert load_settings(file, {}).settings == Settings()


def test_errors_name_where_a_value_comes_from(file: Path) -> None:
    with pytest.raises(ConfigInvalid, match=r"settings page: server\.port"):
        set_value(file, "server.port", "no", "settings page")


def test_all_else_in_a_file_stays_byte_for_byte(file: Path) -> None:
    before = "# who listens\r\n[server]\r\nport = 5 # a \u00e9\r\n\r\n# later\r\n#[pool]\r\n"
    file.parent.mkdir()
    file.write_bytes(before.encode())
    set_value(file, "server.port", "6")
    assert file.read_bytes() == before.replace("5", "6").encode()
    set_value(file, "server.host", "::1")
    unset_value(file, "server.host")
    unset_value(file, "pool.turn")
    set_value(file, "server.port", "5")
    assert file.read_bytes() == before.encode()


def test_the_head_of_a_section_outlives_its_last_value(file: Path) -> None:
    write(file, "[server] # who listens\nport = 5\n")
    unset_value(file, "server.port")
    assert file.read_text() == "[server] # who listens\n"
    assert load_settings(file, {}).settings == Settings()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"[server]\nport = 1\nport = 2\n", r"is not valid TOML: .*line 3"),
        (b"[server]\nport = 1\n[server]\nhost = ''\n", r"is not valid TOML: .*line 3"),
        (b"[server]\n# \xff\nport = 1\n", "is not valid TOML: 'utf-8' codec"),
        (b"port = 1\n", "port stands outside a section"),
        (b"[server]\rport = 1\n", r"cannot be changed at server\.port: .*line 1"),
    ],
)
def test_a_file_that_cannot_be_understood_is_refused_and_left_alone(
    file: Path, content: bytes, words: str
) -> None:
    file.parent.mkdir()
    file.write_bytes(content)
    for change in (lambda: set_value(file, "server.port", "6"), lambda: unset(file)):
        with pytest.raises(ConfigInvalid, match=words):
            change()
    assert file.read_bytes() == content


def test_changes_at_once_are_all_kept(file: Path) -> None:
    write(file, "# mine\n[server] # too\n")
    changes = {
        "server.port": "6",
        "server.host": "::1",
        "pool.turn": "2s",
        "log.level": "debug",
        "pool.max_loaded": "3",
    }
    with ThreadPoolExecutor(len(changes)) as threads:
        list(threads.map(lambda key: set_value(file, key, changes[key]), changes))
    flat = flatten(load_settings(file, {}).settings)
    assert {key: str(flat[key]) for key in changes} == changes
    assert file.read_text().startswith("# mine\n[server] # too\n")
