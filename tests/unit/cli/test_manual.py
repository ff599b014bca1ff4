from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from llmd.cli.manual import escaped, pages, write

MANUAL = Path(__file__).parents[3] / "packaging" / "man"


@pytest.fixture(scope="module")
def made() -> dict[str, str]:
    return pages()


def test_the_pages_in_the_repository_are_fresh(made: dict[str, str]) -> None:
    fresh = "run `python -m llmd.cli.manual packaging/man`"
    kept = {path.name: path.read_text(encoding="utf-8") for path in MANUAL.iterdir()}
    assert kept == made, fresh


def test_each_command_has_a_page_that_the_first_page_names(made: dict[str, str]) -> None:
    for command in ("run", "chat", "config", "import", "service"):
        assert f"llmd-{command}.1" in made
        assert rf"llmd\-{command}\fR(1)" in made["llmd.1"]


def test_a_group_has_its_commands_on_one_page(made: dict[str, str]) -> None:
    page = made["llmd-config.1"]
    assert r"\fBllmd config set\fR \fIKEY\fR \fIVALUE\fR" in page
    assert ".SH LLMD CONFIG SET" in page
    assert ".SH OPTIONS" not in page


def test_options_are_told_as_help_tells_them(made: dict[str, str]) -> None:
    page = made["llmd-rm.1"]
    assert ".TP\n\\fB\\-y, \\-\\-yes\\fR\n" in page
    assert ".TP\n\\fIMODEL\\fR\nNames of models." in page
    assert r"\fB\-h, \-\-help\fR" in page


def test_text_cannot_be_taken_for_requests() -> None:
    assert escaped(".SH a-b\n'x \\n") == "\\&.SH a\\-b\n\\&'x \\en"
    assert escaped("say `llmd run`") == r"say \fBllmd run\fR"


def test_pages_of_commands_that_are_gone_are_deleted(tmp_path: Path) -> None:
    (tmp_path / "llmd-gone.1").write_text("")
    write(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == set(pages())


def test_man_reads_the_pages_without_complaint() -> None:
    if shutil.which("mandoc") is None:
        pytest.skip("mandoc is not installed")
    judged = subprocess.run(
        ["mandoc", "-T", "lint", "-W", "error", *map(str, sorted(MANUAL.iterdir()))],
        capture_output=True,
        text=True,
        check=False,
    )
    assert judged.stdout + judged.stderr == ""
