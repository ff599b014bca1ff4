from __future__ import annotations

import plistlib
import shutil
import subprocess
from pathlib import Path

import pytest

from llmd.cli.units import SYSTEM, USER, agent, command, packaged, quoted, system_units, unit, write

PACKAGING = Path(__file__).parents[3] / "packaging"


def lines(text: str, key: str) -> list[str]:
    return [line.partition("=")[2] for line in text.splitlines() if line.startswith(f"{key}=")]


@pytest.mark.parametrize("name", sorted(packaged()))
def test_the_files_in_packaging_are_those_of_the_package(name: str) -> None:
    fresh = "run `python -m llmd.cli.units packaging`"
    assert (PACKAGING / name).read_text(encoding="utf-8") == packaged()[name], fresh


def test_all_files_are_written(tmp_path: Path) -> None:
    write(tmp_path)
    assert {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()} == (
        set(packaged())
    )


@pytest.mark.parametrize("name", sorted(packaged()))
def test_no_mark_is_left_in_a_file(name: str) -> None:
    words = packaged()[name].replace("@system-service", "").replace("@privileged", "")
    assert "@" not in words


def test_a_unit_says_what_differs() -> None:
    its = USER._replace(
        program=("/opt/llm d/bin/llmd",),
        environment={"LLMD_HOME": "/home/a b", "LLMD_PORT": "1"},
        addresses=("127.0.0.1:1", "[::1]:1"),
        stop=float("inf"),
    )
    service, socket = unit("llmd.service", its), unit("llmd.socket", its)
    assert lines(service, "ExecStart") == ['"/opt/llm d/bin/llmd" serve']
    assert lines(service, "Environment") == ['"LLMD_HOME=/home/a b"', "LLMD_PORT=1"]
    assert lines(service, "TimeoutStopSec") == ["infinity"]
    assert lines(socket, "ListenStream") == ["%t/llmd/llmd.sock", "127.0.0.1:1", "[::1]:1"]


def test_what_is_empty_leaves_no_line() -> None:
    socket = unit("llmd.socket", USER._replace(addresses=()))
    assert lines(socket, "ListenStream") == ["%t/llmd/llmd.sock"]
    assert "\n\n\n" not in unit("llmd.service", USER)


@pytest.mark.parametrize(
    ("word", "text"),
    [
        ("/usr/bin/llmd", "/usr/bin/llmd"),
        ("a b", '"a b"'),
        ('say "so"', '"say \\"so\\""'),
        ("back\\slash", '"back\\\\slash"'),
        ("two\nlines", '"two\\nlines"'),
        ("模型", '"模型"'),
        ("", '""'),
    ],
)
def test_words_are_quoted_as_systemd_reads_them(word: str, text: str) -> None:
    assert quoted(word) == text


def test_specifiers_and_variables_in_a_command_are_taken_as_text() -> None:
    assert command(("/a%b/py$", "-m", "$x")) == '"/a%%b/py$" -m "$$x"'


def test_the_agent_runs_the_program_and_comes_back_after_a_crash() -> None:
    its = USER._replace(program=("/v/llmd",), environment={"LLMD_HOME": "/h & <i>"}, stop=40)
    properties = plistlib.loads(agent(its).encode())
    assert properties["ProgramArguments"] == ["/v/llmd", "serve"]
    assert properties["EnvironmentVariables"] == {"LLMD_HOME": "/h & <i>"}
    assert properties["KeepAlive"] == {"SuccessfulExit": False}
    assert properties["ExitTimeOut"] == 40
    assert properties["Umask"] == 0o77


def test_an_agent_without_limit_waits_and_needs_no_environment() -> None:
    properties = plistlib.loads(agent(USER._replace(stop=float("inf"))).encode())
    assert properties["ExitTimeOut"] == 0
    assert "EnvironmentVariables" not in properties


@pytest.mark.parametrize("kind", ["user", "system"])
def test_systemd_takes_the_units(tmp_path: Path, kind: str) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd is not installed")
    # only programs that exist are good ones
    true = (str(shutil.which("true")),)
    user = {f"llmd.{part}": unit(f"llmd.{part}", USER._replace(program=true)) for part in PARTS}
    made = user if kind == "user" else system_units(SYSTEM._replace(program=true))
    for name, text in made.items():
        (tmp_path / name).write_text(text.replace("man:llmd(1)", "man:true(1)"), encoding="utf-8")
    # a user's units are verified as the machine's: a user manager needs a session, the syntax is one
    judged = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *(str(tmp_path / name) for name in made)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (judged.returncode, judged.stderr) == (0, "")


PARTS = ("service", "socket")
