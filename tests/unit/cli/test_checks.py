from __future__ import annotations

import os
import shutil
import socket
from pathlib import Path

import pytest

from llmd.cli import checks
from llmd.cli.checks import State
from llmd.config.paths import Paths
from llmd.config.settings import DatabaseSettings, ServerSettings, Settings
from llmd.models.sources.transfer.journal import Identity
from llmd.models.sources.transfer.partial import Partial
from tests.fakes.daemon import FakeDaemon
from tests.fakes.databases import database


def at(port: int) -> Settings:
    return Settings(server=ServerSettings(port=port))


def test_everything_is_well_on_a_machine_that_runs_the_tests(
    daemon: FakeDaemon, paths: Paths
) -> None:
    daemon.path.chmod(0o600)
    daemon.path.parent.chmod(0o700)
    findings = list(checks.run_checks(paths))
    assert [finding for finding in findings if finding.state is State.FAIL] == []
    assert [finding.subject for finding in findings if finding.found == ""] == []
    assert {
        "Python",
        "settings",
        "database",
        "socket",
        "daemon",
        "port",
        "llama.cpp",
        "GPU",
        "disk",
        "memory",
    } <= {finding.subject for finding in findings}


def test_unfinished_downloads_are_listed_with_their_fate(
    paths: Paths, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert checks.check_downloads(paths, Settings()).found == "none is unfinished"
    with Partial(paths.models_dir / "web" / "m.gguf", Identity(10**6, "ab" * 32)) as partial:
        partial.write(0, memoryview(bytes(8192)))
    finding = checks.check_downloads(paths, Settings())
    assert "m.gguf.llmd.incomplete" in finding.found
    assert "14d" in finding.mend


def test_an_old_python_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "_OLDEST_PYTHON", (99, 0))
    assert checks.check_python().state is State.FAIL


def test_bad_settings_fail_with_their_own_words(paths: Paths) -> None:
    paths.config_dir.mkdir()
    paths.config_file.write_text("[server]\nport = 'x'\n")
    settings, finding = checks.check_config(paths)
    assert settings == Settings()
    assert finding.state is State.FAIL
    assert "server.port" in finding.found


def test_own_short_names_are_looked_at(paths: Paths) -> None:
    assert list(checks.check_catalog(paths)) == []
    paths.config_dir.mkdir()
    paths.catalog_file.write_text(
        "[[model]]\nalias = 'mine'\nsource = 'a/b'\n\n[[model]]\nalias = 'broken'\n"
    )
    fault, summary = checks.check_catalog(paths)
    assert (fault.state, summary.state) == (State.WARN, State.OK)
    assert fault.found.startswith("line 5 (broken) is passed over:")
    assert str(paths.catalog_file) in fault.mend
    assert summary.found.startswith("1 in")


def test_a_directory_that_cannot_be_made_fails(paths: Paths) -> None:
    broken = paths._replace(data_dir=Path("/dev/null/data"))
    first, *others = checks.check_directories(broken)
    assert first.state is State.FAIL
    assert "LLMD_HOME" in first.mend
    assert {finding.state for finding in others} == {State.OK}


def test_sockets_of_all_kinds_are_told_apart(paths: Paths) -> None:
    path = paths.socket
    path.parent.chmod(0o700)
    assert checks.check_socket(paths).state is State.OK
    path.touch()
    assert "is no socket" in checks.check_socket(paths).found
    path.unlink()
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        path.chmod(0o600)
        assert checks.check_socket(paths).state is State.WARN
        assert checks.check_socket(paths, sleeps=True).state is State.OK, "systemd has it"
        listening.listen()
        assert checks.check_socket(paths).state is State.OK
        path.chmod(0o666)
        assert checks.check_socket(paths).mend == f"`chmod 600 {path}`"
        path.chmod(0o600)
        path.parent.chmod(0o755)
        assert checks.check_socket(paths).mend == f"`chmod 700 {path.parent}`"


def test_the_daemon_may_be_there_or_not_or_ill(daemon: FakeDaemon, paths: Paths) -> None:
    assert f"process {os.getpid()}" in checks.check_daemon(paths).found
    daemon.failures["/control/status"] = checks.LlmdError("It is ill.")
    assert checks.check_daemon(paths).state is State.FAIL


def test_no_daemon_is_only_a_warning(paths: Paths) -> None:
    assert checks.check_daemon(paths).state is State.WARN


def test_a_daemon_that_sleeps_is_not_woken_to_be_checked(
    daemon: FakeDaemon, paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checks, "asleep", lambda _paths: True)
    finding = checks.check_daemon(paths)
    assert finding.state is State.OK
    assert "systemd starts it" in finding.found


def test_a_taken_port_fails_unless_the_daemon_has_it() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert checks.check_port(at(port), running=False).state is State.FAIL
        assert checks.check_port(at(port), running=True).state is State.OK
    assert checks.check_port(at(port), running=False).state is State.OK
    assert checks.check_port(at(0), running=False).state is State.OK


@pytest.mark.parametrize(
    ("probe", "words"),
    [
        ("import os; os.abort()", "crashes with signal 6"),
        ("import no_such_module", "No module named 'no_such_module'"),
        ("import time; time.sleep(9)", "does not load within"),
    ],
)
def test_a_broken_llama_is_a_finding_and_not_a_crash(
    monkeypatch: pytest.MonkeyPatch, probe: str, words: str
) -> None:
    monkeypatch.setattr(checks, "_LLAMA_PROBE", probe)
    monkeypatch.setattr(checks, "_LLAMA_TIME", 1.0)
    finding, offload = checks.check_llama()
    assert finding.state is State.FAIL
    assert words in finding.found
    assert not offload


def test_a_gpu_that_llama_cannot_use_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "_nvidia_gpus", lambda: "NVIDIA Something")
    assert checks.check_gpu(offload=False).state is State.WARN
    assert "NVIDIA Something" in checks.check_gpu(offload=True).found
    monkeypatch.setattr(checks, "_nvidia_gpus", str)
    assert checks.check_gpu(offload=False).state is State.OK


def test_gpus_are_asked_for_by_nvidias_tool(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\necho One\necho Two\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert checks._nvidia_gpus() == "One, Two"
    tool.write_text("#!/bin/sh\nexit 9\n")
    assert checks._nvidia_gpus() == ""
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    assert checks._nvidia_gpus() == ""
    monkeypatch.setattr(shutil, "which", lambda _name: "/no/such/tool")
    assert checks._nvidia_gpus() == ""


def test_little_disk_or_memory_is_a_warning(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "_LITTLE_DISK", 10**18)
    monkeypatch.setattr(checks, "_LITTLE_MEMORY", 10**18)
    assert checks.check_disk(paths).state is State.WARN
    assert checks.check_memory().state is State.WARN


def test_damaged_records_of_models_are_told(paths: Paths) -> None:
    assert [finding.state for finding in checks.check_records(paths)] == [State.OK]
    paths.models_dir.mkdir(parents=True)
    (paths.models_dir / "x.json").write_text("{")
    (finding,) = checks.check_records(paths)
    assert finding.state is State.WARN
    assert "x.json" in finding.mend


def test_a_database_is_whole_or_damaged_or_elsewhere(paths: Paths) -> None:
    finding = checks.check_database(paths, Settings())
    assert (finding.state, finding.found) == (State.OK, f"none yet at {paths.database_file}")
    database(paths.data_dir)
    assert checks.check_database(paths, Settings()).state is State.OK
    content = bytearray(paths.database_file.read_bytes())
    content[4096:8192] = bytes(4096)
    paths.database_file.write_bytes(content)
    finding = checks.check_database(paths, Settings())
    assert finding.state is State.FAIL
    assert "is damaged" in finding.found
    assert paths.database_file.read_bytes() == content
    paths.database_file.write_bytes(b"nonsense" * 1000)
    assert "not a database" in checks.check_database(paths, Settings()).found
    elsewhere = Settings(database=DatabaseSettings(url="postgresql://me:hunter2@db/llmd"))
    assert checks.check_database(paths, elsewhere).found == "postgresql://me:***@db/llmd"


def test_every_wrong_setting_is_named_at_once(paths: Paths) -> None:
    paths.config_dir.mkdir()
    paths.config_file.write_text("[server]\nprot = 1\n[logg]\nx = 1\n")
    _, finding = checks.check_config(paths)
    assert finding.state is State.FAIL
    assert "server.prot" in finding.found
    assert "logg.x" in finding.found
    assert "Did you mean server.port?" in finding.mend
