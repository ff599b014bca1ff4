from __future__ import annotations

import json
from pathlib import Path

from llmd.tui.chat.commands import COMMANDS
from llmd.tui.dialogs.ask_text import AskText
from llmd.tui.dialogs.chat_options import ChatOptions
from llmd.tui.dialogs.confirm import Confirm
from llmd.tui.screens.chat_orders import _ORDERS
from tests.fakes.chat_page import opened


def test_all_commands_are_carried_out() -> None:
    assert list(_ORDERS) == list(COMMANDS)


async def test_commands_about_the_model_and_its_instructions(tmp_path: Path) -> None:
    async with opened(tmp_path) as room:
        await room.type("/model eyes")
        await room.until(lambda: room.page.talk.model == "eyes")
        await room.type("/model nobody")
        await room.until(lambda: "no chat model nobody" in room.told()[-1])
        await room.type("/system Be kind.")
        assert room.page.talk.system == "Be kind."
        for order in ("/model", "/system", "/options"):
            await room.type(order)
            await room.until(lambda: isinstance(room.app.screen, ChatOptions))
            await room.pilot.press("escape")
            await room.until(lambda: room.app.screen is room.page)


async def test_commands_about_what_was_said(tmp_path: Path) -> None:
    async with opened(tmp_path) as room:
        await room.ask("Hi")
        await room.type("/copy")
        assert room.app.clipboard == "An answer."
        await room.type("/code")
        assert room.told()[-1] == "There is nothing to copy."
        await room.type("/edit")
        assert room.page.composer.text == "Hi"
        await room.ask("Hello")
        await room.type("/retry")
        await room.until(lambda: len(room.daemon.asked) == 3)
        await room.settled()
        assert room.kept() == ["Hello", "An answer."]


async def test_commands_about_files(tmp_path: Path) -> None:
    async with opened(tmp_path) as room:
        await room.ask("Hi")
        await room.type(f"/save {tmp_path / 'talk.json'}")
        await room.until((tmp_path / "talk.json").exists)
        await room.type("/new")
        await room.until(lambda: room.page.talk.turns == [])
        await room.type(f"/load {tmp_path / 'talk.json'}")
        await room.until(lambda: room.shown() == ["Hi", "An answer."])
        tool = {"type": "function", "function": {"name": "add"}}
        (tmp_path / "tools.json").write_text(json.dumps([tool]))
        await room.type(f"/tools {tmp_path / 'tools.json'}")
        await room.ask("More")
        assert room.daemon.asked[-1]["tools"] == [tool]


async def test_a_text_file_stands_before_what_is_typed_next(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("Tea at five.\n", encoding="utf-8")
    async with opened(tmp_path) as room:
        await room.type(f"/file {tmp_path / 'notes.txt'}")
        await room.until(lambda: room.page.composer.text == "notes.txt:\nTea at five.\n\n")


async def test_commands_about_the_conversation(tmp_path: Path) -> None:
    async with opened(tmp_path) as room:
        await room.ask("Hi")
        await room.type("/rename Plans")
        await room.until(lambda: room.page.talk.title == "Plans")
        await room.type("/rename")
        assert isinstance(room.app.screen, AskText)
        await room.pilot.press("escape")
        await room.type("/delete")
        assert isinstance(room.app.screen, Confirm)
        await room.pilot.press("y")
        await room.until(lambda: room.daemon.sessions == {})
        await room.until(lambda: room.shown() == [])


async def test_what_is_wrong_with_a_command_is_told(tmp_path: Path) -> None:
    async with opened(tmp_path) as room:
        for order, words in (
            ("/nonsense", "There is no /nonsense."),
            ("/save", "Give a file name."),
            ("/load /nowhere/x.json", "cannot be read"),
            ("/image x.png", "does not see"),
            ("/help", "/retry"),
        ):
            room.app.clear_notifications()
            await room.type(order)
            await room.until(room.told)
            assert words in room.told()[-1]
        await room.type("/exit")
        await room.until(lambda: room.app._exit)
