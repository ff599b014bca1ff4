from __future__ import annotations

from textual.app import App, ComposeResult
from textual.pilot import Pilot
from textual.widgets import Collapsible, Markdown, Static

from llmd.errors import LlmdError
from llmd.tui.chat.turns import Call, Turn, TurnState
from llmd.tui.widgets.said import Said

TEXT = "Here:\n\n1. one\n2. two\n\n```python\nx = 1\n\ny = 2\n```\n\n| a | b |\n| - | - |\n| 1 | 2 |\n\nEnd."


class Room(App[None]):
    """One turn, and what was wanted of it."""

    def __init__(self, turn: Turn) -> None:
        super().__init__()
        self.said = Said(turn)
        self.wishes: list[str] = []

    def compose(self) -> ComposeResult:
        yield self.said

    def on_said_wish(self, event: Said.Wish) -> None:
        self.wishes.append(event.what)

    def text(self, part: str) -> str:
        return "\n".join(str(line.content) for line in self.said.query(part).results(Static))


async def settle(pilot: Pilot[None]) -> None:
    for _ in range(3):
        await pilot.pause(0.08)


async def test_an_answer_grows_as_markdown_without_losing_a_word() -> None:
    turn = Turn("assistant", state=TurnState.ASKING, model="m")
    app = Room(turn)
    async with app.run_test() as pilot:
        app.said.wait("2 ahead in the line")
        await settle(pilot)
        assert app.text(".foot") == "◌ 2 ahead in the line"
        for start in range(0, len(TEXT), 7):
            turn.text += TEXT[start : start + 7]
            turn.state = TurnState.WRITING
            app.said.touch()
            await pilot.pause(0.01)
        turn.usage = {"completion_tokens": 40}
        turn.end(TurnState.DONE)
        app.said.touch()
        await settle(pilot)
        assert app.said.query_one(Markdown).source == TEXT
        fences = app.said.query("MarkdownFence")
        assert [fence.code for fence in fences] == ["x = 1\n\ny = 2"]
        assert len(app.said.query("MarkdownTable")) == 1
        assert app.text(".foot") == "40 tokens"
        assert app.text(".who") == "m"


async def test_reasoning_is_folded_until_somebody_unfolds_it() -> None:
    turn = Turn("assistant", state=TurnState.ASKING)
    app = Room(turn)
    async with app.run_test() as pilot:
        assert not app.said.query(Collapsible)
        turn.reasoning = "two words"
        app.said.touch()
        await settle(pilot)
        folded = app.said.query_one(Collapsible)
        assert (folded.collapsed, folded.title) == (True, "Reasoning · 2 words …")
        turn.text = "So."
        app.said.touch()
        await settle(pilot)
        assert folded.title == "Reasoning · 2 words"
        app.said.focus()
        await pilot.press("t")
        assert not folded.collapsed
        assert app.text(".thought") == "two words"


async def test_calls_and_failures_stand_below() -> None:
    turn = Turn("assistant", calls=[Call("a", "add\x1b[2J", '{"x": 1}')], state=TurnState.BROKEN)
    turn.error = LlmdError("It broke.", hint="Try again.")
    app = Room(turn)
    async with app.run_test():
        assert app.text(".foot").splitlines() == [
            '⚒ add[2J {"x": 1}',
            "broke off",
            "✗ It broke. Try again.",
            "  ctrl+r asks again",
        ]


async def test_what_a_person_says_is_not_taken_for_markup() -> None:
    turn = Turn("user", "# no [bold]heading[/bold]\x1b[31m\n你好", images=["/tmp/cat.png"], media=0)
    app = Room(turn)
    async with app.run_test():
        assert app.text(".what") == "# no [bold]heading[/bold][31m\n你好\n▣ /tmp/cat.png"


async def test_keys_say_what_is_wanted_where_it_can_be() -> None:
    app = Room(Turn("user", "Hi"))
    async with app.run_test() as pilot:
        app.said.focus()
        await pilot.press("e", "r", "y", "c", "t", "i", "k", "down")
        assert app.wishes == ["edit", "again", "copy", "type", "before", "after"]
    app = Room(Turn("assistant", "```\nx\n```"))
    async with app.run_test() as pilot:
        app.said.focus()
        await pilot.press("e", "c", "enter")
        assert app.wishes == ["code", "type"]


async def test_a_question_that_is_left_out_says_so() -> None:
    app = Room(Turn("user", "Hi", left_out=True))
    async with app.run_test():
        assert app.text(".foot") == "not answered, and left out of what follows"
        assert app.said.has_class("-left")
