from __future__ import annotations

import io
import subprocess
import sys
import time
from pathlib import Path

import pytest

from llmd.cli import piped
from llmd.errors import InvalidRequest

READ = [sys.executable, "-c", "from llmd.cli.piped import read_piped; print(repr(read_piped()))"]


def test_a_pipe_is_read_to_its_end() -> None:
    assert (
        subprocess.run(
            READ, input="some\ntext\n", capture_output=True, text=True, check=True
        ).stdout
        == "'some\\ntext\\n'\n"
    )


def test_a_slow_pipe_of_ones_own_is_waited_for() -> None:
    slow = f"(sleep 1.2; echo late) | {sys.executable} -c '{READ[2]}'"
    assert (
        subprocess.run(["bash", "-c", slow], capture_output=True, text=True, check=True).stdout
        == "'late\\n'\n"
    )


def test_a_redirected_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "prompt").write_text("from a file")
    with (tmp_path / "prompt").open() as file:
        assert (
            subprocess.run(READ, stdin=file, capture_output=True, text=True, check=True).stdout
            == "'from a file'\n"
        )


def test_the_null_device_is_empty() -> None:
    result = subprocess.run(
        READ, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True
    )
    assert result.stdout == "''\n"


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc to tell whose pipe it is")
def test_an_inherited_pipe_that_stays_silent_is_not_waited_for() -> None:
    command = ["bash", "-c", f"{sys.executable} -c '{READ[2]}'; true"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as shell:
        begun = time.monotonic()
        assert shell.wait(timeout=20) == 0
        assert time.monotonic() - begun >= piped._INHERITED_WAIT
        assert shell.stdout
        assert shell.stderr
        assert shell.stdout.read() == b"''\n"
        assert b"not read" in shell.stderr.read()


def test_what_is_no_real_file_cannot_block(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("text"))
    assert piped.read_piped() == "text"


def test_a_closed_stdin_is_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", None)
    assert piped.read_piped() == ""


def test_a_dash_waits_for_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("all of it"))
    assert piped.read_all() == "all of it"


@pytest.mark.parametrize("errors", ["strict", "surrogateescape"])
def test_what_is_no_text_is_refused_whatever_the_locale_makes_of_it(
    monkeypatch: pytest.MonkeyPatch, errors: str
) -> None:
    pipe = io.TextIOWrapper(io.BytesIO(b"fine\ncaf\xe9\n"), encoding="utf-8", errors=errors)
    monkeypatch.setattr("sys.stdin", pipe)
    with pytest.raises(InvalidRequest, match=r"no text in UTF-8\. .*iconv"):
        piped.read_all()


def test_a_mark_of_the_byte_order_is_no_part_of_the_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("\ufeffone\ntwo\n"))
    assert list(piped.lines()) == ["one\n", "two\n"]
