from __future__ import annotations

from pathlib import Path

import pytest

from llmd.config.settings import Settings
from llmd.config.store import load_settings
from llmd.errors import ConfigInvalid, ModelNotFound, NotFound
from llmd.protocol.accounts import AuditKind
from llmd.protocol.callers import Caller
from llmd.services.settings import Configuration
from tests.unit.services.conftest import Bench

ADMIN = Caller(user="u", label="root")


@pytest.fixture
def file(bench: Bench) -> Path:
    """Where config.toml is."""
    path = bench.paths.config_file
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def started(bench: Bench, **sources: str) -> Configuration:
    """Settings of a daemon that was started with the file as it is now."""
    loaded = load_settings(bench.paths.config_file)
    named = {key.replace("__", "."): source for key, source in sources.items()}
    return Configuration(
        bench.paths.config_file,
        loaded.settings,
        loaded.sources | named,
        bench.services.defaults,
        bench.services.audit,
    )


async def test_a_change_waits_for_a_restart_and_says_so(bench: Bench, file: Path) -> None:
    settings = started(bench)
    before = await settings.get("server.max_body")
    assert (before.value, before.source, before.written, before.pending) == (
        "32MiB",
        "default",
        None,
        False,
    )
    changed = await settings.change("server.max_body", "64MiB", by=ADMIN)
    assert (changed.value, changed.then, changed.written) == ("32MiB", "64MiB", "64MiB")
    assert changed.pending
    assert (await settings.sheet()).pending == 1
    assert load_settings(file).settings.server.max_body == 2**26
    again = await started(bench).get("server.max_body")
    assert (again.value, again.source, again.pending) == ("64MiB", str(file), False)
    reset = await settings.reset("server.max_body", by=ADMIN)
    assert (reset.written, reset.pending) == (None, False)


async def test_who_changed_what_is_noted(bench: Bench, file: Path) -> None:
    assert file.parent.exists()
    settings = started(bench)
    await settings.change("database.url", "postgresql://u:secret@host/db", by=ADMIN)
    [entry] = await bench.services.audit.list(1)
    assert (entry.kind, entry.actor, entry.subject) == (
        AuditKind.SETTING_CHANGED,
        "user:root",
        "database.url",
    )
    assert "secret" not in entry.detail


async def test_passwords_are_not_shown(bench: Bench, file: Path) -> None:
    file.write_text('[database]\nurl = "postgresql://u:secret@host/db"\n')
    shown = await started(bench).get("database.url")
    assert shown.hidden
    assert "secret" not in f"{shown.value}{shown.then}{shown.written}"


async def test_what_will_not_do_is_refused_with_its_name(bench: Bench, file: Path) -> None:
    settings = started(bench)
    with pytest.raises(ConfigInvalid) as told:
        await settings.change("server.port", "99999", by=ADMIN)
    assert told.value.param == "server.port"
    assert not file.exists()
    with pytest.raises(NotFound):
        await settings.change("server.prt", "1", by=ADMIN)
    with pytest.raises(NotFound):
        await settings.get("../etc/passwd")


async def test_what_would_keep_it_from_starting_again_is_refused(bench: Bench, file: Path) -> None:
    settings = started(bench)
    with pytest.raises(ConfigInvalid, match="without any key"):
        await settings.change("server.host", "0.0.0.0", by=ADMIN)
    await settings.change("security.mode", "keys", by=ADMIN)
    await settings.change("server.host", "0.0.0.0", by=ADMIN)
    with pytest.raises(ConfigInvalid, match="without any key"):
        await settings.reset("security.mode", by=ADMIN)
    assert load_settings(file).settings.server.host == "0.0.0.0"


async def test_a_variable_that_wins_is_named(
    bench: Bench, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not file.exists()
    monkeypatch.setenv("LLMD_POOL_TURN", "3s")
    settings = started(bench)
    changed = await settings.change("pool.turn", "5s", by=ADMIN)
    assert (changed.value, changed.source, changed.override) == (
        "3s",
        "LLMD_POOL_TURN",
        "LLMD_POOL_TURN",
    )
    assert (changed.written, changed.pending) == ("5s", False)


async def test_an_option_of_the_command_line_is_named(bench: Bench) -> None:
    settings = started(bench, server__port="--port")
    found = await settings.change("server.port", "81", by=ADMIN)
    assert (found.source, found.override, found.pending) == ("--port", "--port", False)


async def test_default_models_hold_at_once(bench: Bench, file: Path) -> None:
    settings = started(bench)
    changed = await settings.change("models.default", "llmd-tiny", by=ADMIN)
    assert (changed.value, changed.at_once) == ("llmd-tiny", True)
    assert bench.services.defaults.list()[0].chosen
    with pytest.raises(ModelNotFound):
        await settings.change("models.default", "nobody/nothing", by=ADMIN)
    reset = await settings.reset("models.default", by=ADMIN)
    assert (reset.value, reset.written, reset.pending) == ("", None, False)
    assert not file.exists() or "default" not in file.read_text()


async def test_default_models_written_by_others_wait_for_a_restart(
    bench: Bench, file: Path
) -> None:
    settings = started(bench)
    file.write_text('[models]\ndefault = "llmd-tiny"\n')
    found = await settings.get("models.default")
    assert (found.value, found.then, found.pending) == ("", "llmd-tiny", True)
    changed = await settings.change("models.default", "llmd-tiny", by=ADMIN)
    assert (changed.value, changed.pending) == ("llmd-tiny", False)
    file.write_text("[server]\nport = 99999\n")
    assert not (await settings.get("models.default")).pending


async def test_faults_of_the_file_are_told_and_can_be_mended(bench: Bench, file: Path) -> None:
    settings = started(bench)
    file.write_text("[server]\nport = 99999\nnothing = 1\n")
    sheet = await settings.sheet()
    assert len(sheet.faults) == 2
    assert sheet.settings["server.port"].value == "8000"
    assert sheet.settings["server.port"].written == "99999"
    await settings.change("server.port", "81", by=ADMIN)
    assert len((await settings.sheet()).faults) == 1


async def test_a_file_that_cannot_be_read_is_said_to_be_so(bench: Bench, file: Path) -> None:
    settings = started(bench)
    file.write_text("[server\n")
    with pytest.raises(ConfigInvalid, match="not valid TOML"):
        await settings.sheet()
    with pytest.raises(ConfigInvalid, match="not valid TOML"):
        await settings.change("server.port", "81", by=ADMIN)


async def test_all_keys_are_there_whatever_the_file_says(bench: Bench) -> None:
    sheet = await bench.services.settings.sheet()
    assert set(sheet.settings) == {
        f"{section}.{field}"
        for section in Settings.__struct_fields__
        for field in getattr(Settings(), section).__struct_fields__
    }


async def test_a_default_model_that_a_variable_says_wins_at_the_next_start(
    bench: Bench, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not file.exists()
    monkeypatch.setenv("LLMD_MODEL", "other")
    changed = await started(bench).change("models.default", "llmd-tiny", by=ADMIN)
    assert (changed.value, changed.then, changed.override) == ("llmd-tiny", "other", "LLMD_MODEL")
