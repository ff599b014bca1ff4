from __future__ import annotations

import pytest

from llmd.cli.slash import COMMANDS as CHAT
from llmd.tui.chat.commands import COMMANDS, overview, parse


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("/model  qwen3-4b ", ("/model", "qwen3-4b")),
        ("/clear", ("/new", "")),
        ("/nonsense", ("/nonsense", "")),
        ("/etc/hosts is a file", None),
        ("/system first\nsecond", None),
        ("Hello /model", None),
        ("", None),
    ],
)
def test_commands_are_told_from_what_is_said(line: str, found: object) -> None:
    assert parse(line) == found


def test_every_command_of_llmd_chat_is_known() -> None:
    words = [parse(word) for word in CHAT]
    assert all(found and found[0] in COMMANDS for found in words)


def test_the_overview_lists_all() -> None:
    assert [line.split()[0] for line in overview().splitlines()] == list(COMMANDS)
