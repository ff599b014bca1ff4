from __future__ import annotations

from typing import cast

import pytest
from textual.pilot import Pilot

from llmd.client.asynchronous import AsyncClient
from llmd.errors import ContextOverflow
from llmd.tui.app import LlmdApp
from llmd.tui.chat.turns import TurnState
from llmd.tui.dialogs.chat_options import ChatOptions
from llmd.tui.screens.chat import ChatPage
from tests.fakes.chat_daemon import ChatDaemon
from tests.fakes.snapshots import EMPTY
from tests.tui.conftest import SIZES, Picture, until

ANSWER = """Here is **what** you asked for, with `inline code`:

1. First, read the file
2. Then count its words

```python
def count(path: str) -> int:
    return len(open(path).read().split())
```

| Language | Speed | 说明 |
| --- | ---: | --- |
| Python | 1.0 | 简单易读 |

> 天下难事 必作于易。
"""


def daemon() -> ChatDaemon:
    """A daemon that keeps two conversations."""
    made = ChatDaemon()
    made.keep("关于机器学习的讨论与它的一切", ("user", "你好"), ("assistant", "你好。"))
    session = made.keep(
        "Counting words",
        ("system", "Be terse."),
        ("user", "请写一个函数:\n并比较速度。"),
        ("assistant", ANSWER),
    )
    made.messages[session][2]["metadata_info"] = {
        "model": "qwen3-4b",
        "reasoning": "The user wants a function and a table.",
    }
    return made


async def come(pilot: Pilot[None], found: ChatDaemon) -> ChatPage:
    """Give the page a daemon."""
    app = cast("LlmdApp", pilot.app)
    await until(pilot, lambda: isinstance(app.page, ChatPage) and app.page.is_mounted)
    page = cast("ChatPage", app.page)
    page.composer.cursor_blink = False
    app.client = cast("AsyncClient", found)
    page.desk._client = found
    app.arrived(EMPTY)
    await until(pilot, lambda: page.desk.models)
    return page


async def open_talk(pilot: Pilot[None]) -> ChatPage:
    found = daemon()
    page = await come(pilot, found)
    await page.show_talk(await page.desk.open(list(found.sessions)[1]))
    await pilot.pause()
    return page


async def nothing(pilot: Pilot[None]) -> None:
    await come(pilot, ChatDaemon())


async def talk(pilot: Pilot[None]) -> None:
    await open_talk(pilot)


async def unfolded(pilot: Pilot[None]) -> None:
    await open_talk(pilot)
    await pilot.press("escape", "t")


async def options(pilot: Pilot[None]) -> None:
    await open_talk(pilot)
    await pilot.press("ctrl+o")
    await until(pilot, lambda: isinstance(pilot.app.screen, ChatOptions))


async def sessions(pilot: Pilot[None]) -> None:
    await open_talk(pilot)
    await pilot.press("ctrl+b")


async def refused(pilot: Pilot[None]) -> None:
    found = ChatDaemon()
    page = await come(pilot, found)
    found.script = [ContextOverflow("The prompt has 9000 tokens, 4096 fit.", hint="Ask less.")]
    page.composer.put("Too long")
    await pilot.press("enter")
    await until(pilot, lambda: page.talk.turns and page.talk.turns[-1].state is TurnState.FAILED)
    await pilot.pause(0.2)
    page.composer.put("Half a draft\nof two lines")


@pytest.mark.parametrize("size", SIZES)
def test_an_empty_chat_looks_as_it_did(picture: Picture, size: str) -> None:
    assert picture("chat", size, None, nothing)


@pytest.mark.parametrize("size", SIZES)
def test_a_talk_looks_as_it_did(picture: Picture, size: str) -> None:
    assert picture("chat", size, None, talk)


def test_reasoning_unfolds(picture: Picture) -> None:
    assert picture("chat", "wide", None, unfolded)


def test_the_options_fit_a_small_terminal(picture: Picture) -> None:
    assert picture("chat", "small", None, options)


def test_the_list_stands_beside_the_talk_when_asked_for(picture: Picture) -> None:
    assert picture("chat", "small", None, sessions)


def test_a_refusal_and_a_draft(picture: Picture) -> None:
    assert picture("chat", "small", None, refused)
