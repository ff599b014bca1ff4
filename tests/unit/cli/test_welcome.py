from __future__ import annotations

from pathlib import Path

import pytest

from llmd.cli import welcome
from llmd.cli.welcome import Standing, lines
from llmd.config.paths import Paths
from tests.fakes.daemon import LOADED, TINY, FakeDaemon
from tests.unit.cli.conftest import Llmd

UP = {"state": "running", "address": "http://127.0.0.1:8000", "loaded": []}


def steps(standing: Standing) -> list[str]:
    return [line.strip().partition("  ")[0] for line in lines(standing) if line.startswith("  ")]


def test_llmd_alone_starts_nothing_and_says_what_to_do(llmd: Llmd, paths: Paths) -> None:
    result = llmd()
    assert result.code == 0
    assert result.out.startswith("The daemon is not running; the next command starts it.\n")
    assert "llmd run 'Who are you?'" in result.out
    assert not paths.socket.exists()


def test_with_the_built_in_model_alone_a_real_one_is_the_next_step(
    llmd: Llmd, daemon: FakeDaemon
) -> None:
    out = llmd().out
    assert "The daemon is running at http://127.0.0.1:8000/v1." in out
    assert "llmd pull qwen3-4b" in out
    assert "llmd import --scan" in out
    assert {path for _, path, _ in daemon.asked} == {"/control/status", "/control/models"}


def test_with_a_model_of_ones_own_talking_is(llmd: Llmd, daemon: FakeDaemon) -> None:
    daemon.models.append({**TINY, "name": "qwen3-4b"})
    out = llmd().out
    assert "2 models on disk; qwen3-4b answers by default." in out
    assert "talk with qwen3-4b" in out
    assert "llmd pull" not in out


def test_what_is_loaded_is_said() -> None:
    standing = Standing({**UP, "loaded": [LOADED]}, [TINY], "llmd-tiny")
    assert "llmd-tiny is ready on CPU, 130 MB." in list(lines(standing))
    assert "llmd top" in steps(standing)
    assert "llmd top" not in steps(Standing(UP, [TINY], "llmd-tiny"))


def test_a_daemon_that_systemd_starts_is_not_called_dead() -> None:
    first = next(lines(Standing(None, [], "", asleep=True)))
    assert first == "The daemon is not running; systemd starts it."


def test_a_daemon_that_cannot_be_asked_is_for_the_doctor() -> None:
    standing = Standing(None, [], "", trouble="The daemon does not answer in time.")
    assert steps(standing) == ["llmd doctor", "llmd logs"]


def test_an_error_of_the_daemon_is_no_traceback(llmd: Llmd, daemon: FakeDaemon) -> None:
    from llmd.errors import StorageFailed

    daemon.failures["/control/models"] = StorageFailed("The database is damaged.")
    result = llmd()
    assert result.code == 0
    assert result.out.startswith("The daemon cannot be asked: The database is damaged.")


def test_a_stale_socket_is_as_good_as_none(llmd: Llmd, paths: Paths) -> None:
    import socket

    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(paths.socket))
    assert llmd().out.startswith("The daemon is not running;")


@pytest.mark.parametrize("reason", ["The daemon is not running. Start it.", ""])
def test_only_other_reasons_are_trouble(reason: str) -> None:
    assert welcome._in_the_way(reason) is not reason.startswith("The daemon is")


def test_a_gpu_that_llama_cpp_was_not_built_for_is_noticed(tmp_path: Path) -> None:
    libraries = tmp_path / "lib"
    libraries.mkdir()
    assert not welcome.gpu_is_idle(tmp_path, libraries)  # there is none
    (tmp_path / "nvidiactl").touch()
    assert welcome.gpu_is_idle(tmp_path, libraries)
    assert not welcome.gpu_is_idle(tmp_path, None)
    (libraries / "libggml-cuda.so").touch()
    assert not welcome.gpu_is_idle(tmp_path, libraries)


def test_a_gpu_that_lies_idle_is_the_first_step() -> None:
    assert steps(Standing(UP, [TINY], "llmd-tiny", idle_gpu=True))[0] == "llmd doctor"


def test_where_llama_cpp_lies_is_found_without_loading_it() -> None:
    found = welcome._libraries()
    assert found
    assert list(found.glob("*ggml*"))
