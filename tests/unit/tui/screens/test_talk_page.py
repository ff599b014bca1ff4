from __future__ import annotations

from pathlib import Path

import pytest

from llmd.tui.chat.turns import Call, Turn
from llmd.tui.chat.wishes import Wishes
from tests.fakes.chat_page import opened


async def test_the_line_tells_who_answers_and_how(tmp_path: Path) -> None:
    async with opened(tmp_path) as room:
        page = room.page
        page.talk.wishes = Wishes(temperature=0.5, enable_thinking=False)
        page.talk.tools = [{}]
        page.mark()
        words = "tiny · temperature 0.5 · reasoning off · 1 tool"
        assert page.composer.border_title == words
        page.talk.turns = [Turn("user", "Hi"), Turn("assistant", calls=[Call("c", "add", "{}")])]
        await page.renew()
        assert page.composer.border_title == "Result of add"
        assert room.shown() == ["Hi", ""]


async def test_what_is_set_aside_is_put_back_once(tmp_path: Path) -> None:
    async with opened(tmp_path) as room:
        page = room.page
        page.talk.turns = [Turn("user", "Hi")]
        page.composer.put("draft")
        page.edit(None)
        page.edit(page.talk.turns[0])
        assert (page.composer.text, page.puts_back) == ("Hi", True)
        assert page.put_back() == "draft"
        assert (page.composer.text, page.puts_back) == ("draft", False)


async def test_what_comes_to_its_end_with_the_program_asks_for_no_part_of_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(tmp_path) as room:
        await room.ask("Hi")
        page = room.page
        await page.query("#attached, Transcript, SessionList").remove()
        with monkeypatch.context() as context:
            context.setattr(room.app, "_running", False)
            page.mark()
            await page.renew()
            await page.shelf.renew()
            page.answers._changed(page.talk.turns[-1])
