from __future__ import annotations

from textual.app import App, ComposeResult
from textual.widgets import Static

from llmd.tui.chat.talk import Talk
from llmd.tui.chat.turns import Turn, TurnState
from llmd.tui.widgets.said import Said
from llmd.tui.widgets.transcript import WINDOW, Transcript


class Room(App[None]):
    """A transcript, and how often its beginning was looked at."""

    tops = 0

    def compose(self) -> ComposeResult:
        yield Transcript()

    @property
    def transcript(self) -> Transcript:
        return self.query_one(Transcript)

    def on_transcript_top(self) -> None:
        self.tops += 1

    def texts(self) -> list[str]:
        return [said.turn.text for said in self.query(Said)]


def talked(count: int) -> Talk:
    return Talk(turns=[Turn("user", str(number)) for number in range(count)])


async def test_an_empty_talk_says_what_to_do() -> None:
    app = Room()
    async with app.run_test() as pilot:
        talk = Talk()
        await app.transcript.show(talk)
        assert "Ask something" in str(app.query_one("#nothing", Static).content)
        talk.turns = [Turn("user", "Hi")]
        await app.transcript.renew()
        await pilot.pause()
        assert not app.query("#nothing")
        assert app.texts() == ["Hi"]


async def test_a_long_talk_is_shown_from_its_end_and_back_as_one_looks() -> None:
    app = Room()
    async with app.run_test(size=(60, 12)) as pilot:
        talk = talked(WINDOW * 2 + 5)
        talk.missing = 100
        transcript = app.transcript
        await transcript.show(talk)
        await pilot.pause()
        assert app.texts() == [str(n) for n in range(WINDOW + 5, WINDOW * 2 + 5)]
        assert transcript.hidden == WINDOW + 5 + 100
        assert transcript.scroll_y == transcript.max_scroll_y > 0
        transcript.scroll_home(animate=False)
        await pilot.pause()
        assert app.tops == 1
        await transcript.look_back()
        await pilot.pause()
        assert app.texts()[0] == "5"
        assert transcript.scroll_y > 0, "what was looked at stays"
        talk.turns[:0] = [Turn("user", "earlier")]
        talk.missing = 99
        await transcript.renew()
        assert app.texts()[0] == "5"
        await transcript.look_back()
        assert app.texts()[0] == "earlier"


async def test_turns_come_and_go_as_the_talk_does() -> None:
    app = Room()
    async with app.run_test():
        talk = talked(4)
        await app.transcript.show(talk)
        kept = app.query(Said).first()
        talk.rewind(talk.turns[2])
        talk.turns.append(Turn("assistant", "new", state=TurnState.WRITING))
        await app.transcript.renew()
        assert app.texts() == ["0", "1", "new"]
        assert app.query(Said).first() is kept
        talk.rewind(talk.turns[0])
        await app.transcript.renew()
        assert app.texts() == []


async def test_one_goes_from_turn_to_turn() -> None:
    app = Room()
    async with app.run_test() as pilot:
        talk = talked(2)
        await app.transcript.show(talk)
        assert app.transcript.go(talk.turns[1], "before")
        await pilot.pause()
        assert app.focused is app.transcript.said(talk.turns[0])
        assert app.transcript.go(talk.turns[0], "before")
        assert not app.transcript.go(talk.turns[1], "after")
