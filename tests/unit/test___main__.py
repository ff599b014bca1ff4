from __future__ import annotations

import subprocess
import sys

import pytest

from llmd import __version__
from llmd.__main__ import main


@pytest.mark.parametrize("flag", ["--version", "-V"])
def test_prints_the_version(
    flag: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["llmd", flag])
    assert main() == 0
    assert capsys.readouterr().out == f"llmd {__version__}\n"


def test_runs_as_a_module_with_an_exit_code() -> None:
    result = subprocess.run(
        [sys.executable, "-m", "llmd", "nonsense"], capture_output=True, text=True, check=False
    )
    assert result.returncode == 2
    assert "nonsense" in result.stderr


def test_a_shell_is_answered_before_anything_else(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["llmd", "__complete", "zsh", "vers"])
    assert main() == 0
    monkeypatch.setattr("sys.argv", ["llmd", "__complete", "zsh", "veri"])
    assert main() == 0
    assert capsys.readouterr().out.startswith("verify\t")


def test_the_package_has_no_other_names_than_its_own() -> None:
    import llmd

    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        llmd.nonsense  # type: ignore[attr-defined]  # noqa: B018
