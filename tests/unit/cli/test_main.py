from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest

from llmd.cli.main import exit_code
from llmd.errors import DaemonUnreachable, LlmdError, ModelNotFound
from tests.fakes.daemon import FakeDaemon
from tests.unit.cli.conftest import Llmd

HEAVY = {
    "aiohttp",
    "grpc",
    "huggingface_hub",
    "llama_cpp",
    "numpy",
    "prompt_toolkit",
    "pydantic",
    "ray",
    "rich",
    "sqlalchemy",
    "textual",
}


def loaded_by(code: str) -> set[str]:
    listing = (
        f"{code}\nimport sys; print('MODULES', *{{name.partition('.')[0] for name in sys.modules}})"
    )
    result = subprocess.run(
        [sys.executable, "-c", listing], capture_output=True, text=True, check=True
    )
    return set(result.stdout.rpartition("MODULES")[2].split())


def test_importing_the_command_line_imports_nothing_heavy() -> None:
    assert not loaded_by("import llmd.cli.main") & HEAVY


@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_showing_help_imports_nothing_heavy(flag: str) -> None:
    modules = loaded_by(f"from llmd.cli.main import run\nassert run([{flag!r}]) == 0")
    assert not modules & (HEAVY | {"msgspec", "http"})


def test_showing_the_version_does_not_even_import_the_command_parser() -> None:
    modules = loaded_by(
        "import sys; sys.argv = ['llmd', '--version']\nfrom llmd.__main__ import main\nassert main() == 0"
    )
    assert not modules & (HEAVY | {"typer", "msgspec", "http"})


def test_listing_models_imports_no_server_and_no_engine(daemon: FakeDaemon) -> None:
    modules = loaded_by("from llmd.cli.main import run\nassert run(['ps']) == 0")
    assert not modules & (HEAVY - {"rich", "pydantic"})


def test_help_names_every_command(llmd: Llmd) -> None:
    verbs = "run chat generate embed search pull ls show rm cp import ps load unload serve start stop restart status logs"
    result = llmd("--help")
    assert result.code == 0
    for verb in [*verbs.split(), "doctor", "config", "cancel", "env", "completion"]:
        assert f"\n  {verb} " in result.out


def test_version_as_an_option_of_the_parser(llmd: Llmd) -> None:
    assert llmd("--version").out.startswith("llmd ")


def test_a_misspelt_command_gets_a_suggestion(llmd: Llmd) -> None:
    result = llmd("statsu")
    assert result.code == 2
    assert "Did you mean 'status'" in result.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["ps", "--nope"],
        ["show"],
        ["run", "-t", "hot", "x"],
        ["run", "-t", "9", "x"],
        ["run"],
        ["embed"],
    ],
)
def test_wrong_usage_is_2(llmd: Llmd, arguments: list[str]) -> None:
    assert llmd(*arguments).code == 2


@pytest.mark.parametrize(
    ("error", "code"), [(DaemonUnreachable("x"), 3), (ModelNotFound("x"), 4), (LlmdError("x"), 1)]
)
def test_exit_codes_tell_failures_apart(error: LlmdError, code: int) -> None:
    assert exit_code(error) == code


def test_an_error_says_what_happened_and_what_to_do_next(llmd: Llmd) -> None:
    result = llmd("ps")
    assert result == (3, "", "Error: The daemon is not running. Start it with `llmd start`.\n")


def test_an_unknown_model_is_4(llmd: Llmd, daemon: FakeDaemon) -> None:
    result = llmd("show", "nope")
    assert result.code == 4
    assert "There is no model nope." in result.err


def test_a_failing_file_is_named_without_a_traceback(
    llmd: Llmd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLMD_NO_AUTOSTART", "0")
    monkeypatch.setenv("LLMD_HOME", "/dev/null/home")
    assert llmd("ps") == (1, "", "Error: Not a directory: /dev/null/home/state.\n")


def test_a_reader_that_leaves_early_causes_no_traceback(daemon: FakeDaemon) -> None:
    command = f"{sys.executable} -m llmd --help | true; {sys.executable} -m llmd show llmd-tiny --json | true"
    result = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    assert result.stderr == ""


def test_no_colours_where_they_are_unwelcome(
    llmd: Llmd,
    monkeypatch: pytest.MonkeyPatch,
    pretend_terminal: Callable[[], None],
) -> None:
    from llmd.cli import checks

    bad = checks.Finding("x", checks.State.FAIL, "broken")
    monkeypatch.setattr(checks, "run_checks", lambda _: iter([bad]))
    pretend_terminal()
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b[31m" in llmd("doctor").out
    monkeypatch.setenv("NO_COLOR", "1")
    assert llmd("doctor").out == "fail  x: broken\n"


def test_the_everyday_commands_do_without_pydantic(daemon: FakeDaemon) -> None:
    modules = loaded_by("from llmd.cli.main import run\nassert run(['ps', '--json']) == 0")
    assert not modules & (HEAVY | {"importlib_metadata"})


def test_a_name_that_is_no_utf_8_causes_no_traceback(llmd: Llmd, daemon: FakeDaemon) -> None:
    result = llmd("show", "caf\udce9")
    assert (result.code, result.err.count("\n")) == (1, 1)
    assert "no text in UTF-8" in result.err


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-"])
def test_a_stream_that_the_shell_closed_causes_no_traceback(
    daemon: FakeDaemon, closed: str
) -> None:
    command = f"{sys.executable} -m llmd ls {closed}"
    result = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    assert result.stderr == ""
    assert ("llmd-tiny" in result.stdout) == (closed != ">&-")
