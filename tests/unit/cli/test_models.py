from __future__ import annotations

import io
from collections.abc import Callable

import msgspec
import pytest

from llmd.cli.main import run
from llmd.cli.models import card_path
from tests.fakes.daemon import TINY, FakeDaemon
from tests.unit.cli.conftest import Llmd


def test_ls_lists_models_and_marks_the_default(llmd: Llmd, daemon: FakeDaemon) -> None:
    daemon.models.append({**TINY, "name": "owner/repo:Q4_K_M", "source": "hf://owner/repo/f.gguf"})
    lines = llmd("ls").out.splitlines()
    assert lines[0].split() == [
        "NAME",
        "KIND",
        "PARAMETERS",
        "QUANTIZATION",
        "SIZE",
        "CONTEXT",
        "ADDED",
    ]
    assert lines[1].split()[:4] == ["llmd-tiny", "chat", "4.2M", "Q8_0"]
    assert lines[1].rstrip().endswith("built in")
    assert lines[2].startswith("owner/repo:Q4_K_M *")


def test_ls_as_json_is_what_the_daemon_says(llmd: Llmd, daemon: FakeDaemon) -> None:
    assert llmd("ls", "--json").json == {"models": daemon.models, "default": "llmd-tiny"}


def test_rm_takes_several_names(llmd: Llmd, daemon: FakeDaemon) -> None:
    daemon.models.append({**TINY, "name": "a/b:c"})
    assert (
        llmd("rm", "llmd-tiny", "a/b:c").out
        == "removed llmd-tiny, 4.6 MB freed\nremoved a/b:c, 4.6 MB freed\n"
    )
    assert daemon.asked[-1][:2] == ("DELETE", "/control/models/a%2Fb%3Ac")
    lines = llmd("rm", "--json", "llmd-tiny").out.splitlines()
    assert msgspec.json.decode(lines[0])["freed"] == 4_600_000


def test_rm_stops_at_a_name_that_is_not_there(llmd: Llmd, daemon: FakeDaemon) -> None:
    assert llmd("rm", "nope", "llmd-tiny").code == 4
    assert len(daemon.asked) == 1


def test_cp_gives_a_second_name(llmd: Llmd, daemon: FakeDaemon) -> None:
    assert llmd("cp", "llmd-tiny", "small").out == "small is another name of llmd-tiny\n"
    assert daemon.body("/control/models/copy") == {"source": "llmd-tiny", "target": "small"}


def test_names_with_slashes_are_one_part_of_a_path() -> None:
    assert card_path("a/b:c?") == "/control/models/a%2Fb%3Ac%3F"


def test_rm_asks_in_a_terminal(
    llmd: Llmd, daemon: FakeDaemon, pretend_terminal: Callable[[], None]
) -> None:
    pretend_terminal()

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    def asked(answer: str, *arguments: str) -> list[str]:
        daemon.asked.clear()
        with pytest.MonkeyPatch.context() as patch:
            llmd("--version")
            patch.setattr("sys.stdin", Terminal(answer))
            run(["rm", *arguments, "llmd-tiny"])
        return [method for method, _, _ in daemon.asked]

    assert asked("n\n") == ["GET"]
    assert asked("y\n") == ["GET", "DELETE"]
    assert asked("", "--yes") == ["GET", "DELETE"]
    assert asked("", "--json") == ["GET", "DELETE"]


def test_rm_names_the_models_that_keep_a_file(llmd: Llmd, daemon: FakeDaemon) -> None:
    daemon.removed = {"kept_file": "/x.gguf", "used_by": ["pirate"], "freed": 0}
    assert llmd("rm", "llmd-tiny").out == "removed llmd-tiny; /x.gguf stays for pirate\n"


def test_rm_tells_what_the_model_was_the_default_for(llmd: Llmd, daemon: FakeDaemon) -> None:
    daemon.removed = {"default_for": ["chat", "vision"]}
    said = llmd("rm", "llmd-tiny").out.splitlines()[-1]
    assert said == "It was the default for chat, vision; the newest that can answers there now."


def test_ls_in_80_columns_shows_a_long_name_and_what_the_model_is_whole(
    llmd: Llmd,
    daemon: FakeDaemon,
    pretend_columns: Callable[[int], None],
) -> None:
    pretend_columns(80)
    daemon.models.append({**TINY, "name": "an-owner/" + "r" * 45})
    head, *rows = llmd("ls").out.splitlines()
    assert head.split() == ["NAME", "KIND", "SIZE", "CONTEXT"]
    assert rows[1].split() == ["an-owner/" + "r" * 45, "*", "chat", "4.6", "MB", "2048"]
