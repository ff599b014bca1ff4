"""Saying something on the chat page and having it answered: once, again, or otherwise."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from textual.worker import Worker

from llmd.errors import LlmdError
from llmd.protocol.feed import Snapshot
from llmd.tui.chat import wording
from llmd.tui.chat.talk import Talk
from llmd.tui.chat.turns import Turn, TurnState
from llmd.tui.screens.talk_page import TalkPage

_LEAVING = 1.0
"""Seconds that keeping may take when the program ends."""


class Answers:
    """What is being answered."""

    def __init__(self, page: TalkPage, listed: Callable[[], Awaitable[None]]) -> None:
        """`listed` lists conversations anew, after one was kept."""
        self._page = page
        self._listed = listed
        self._desk = page.desk
        self._workers: dict[str, Worker[None]] = {}
        """Of the answers under way, by trace."""

    def take(self, snapshot: Snapshot) -> None:
        """Say how the answer that is shown stands."""
        turn = self._page.talk.answer
        said = self._page.transcript.said(turn) if turn else None
        if turn and said:
            report = next((one for one in snapshot.requests.live if one.trace == turn.trace), None)
            seconds = report.age if report else 0.0
            said.wait(wording.waiting(report, snapshot.models, turn.model, seconds))

    def speak(self, text: str) -> None:
        """Say something, perhaps in place of what was said before."""
        turn, self._page.editing = self._page.editing, None
        if turn:
            self._page.perform(self._say_otherwise(turn, text), group="saying")
        else:
            self._page.talk.say(text)
            self.ask()

    async def _say_otherwise(self, turn: Turn, text: str) -> None:
        before = self._page.talk
        await self._desk.read_back(before)
        talk = self._desk.branch(turn)
        talk.images = turn.images
        talk.say(text)
        self.ask()
        if talk is not before:
            await self._page.show_talk(talk)

    def ask(self) -> None:
        """Have the talk answered, unless results of tools are missing."""
        talk = self._page.talk
        if not talk.asked_call:
            turn = self._desk.begin(talk)
            work = self._answer(talk, turn)
            self._workers[turn.trace] = self._page.run_worker(work, group=turn.trace)
        self._page.call_later(self._page.renew)

    async def _answer(self, talk: Talk, turn: Turn) -> None:
        try:
            await self._desk.answer(talk, turn, self._changed)
        finally:
            self._workers.pop(turn.trace, None)
            if not self._page.ending and talk in self._desk.talks:
                self._page.perform(self._keep(talk), group="keeping")
                self._page.mark()

    def _changed(self, turn: Turn) -> None:
        if not self._page.ending:
            self._page.transcript.touch(turn)

    async def _keep(self, talk: Talk) -> None:
        try:
            await self._desk.keep(talk)
        except LlmdError as error:
            hint = f"{error.message} It is tried again while this program runs."
            raise LlmdError("The conversation is not kept yet.", hint=hint) from error
        await self._listed()

    async def keep_waiting(self) -> None:
        """Keep what could not be kept before."""
        await self._desk.keep_waiting()
        await self._listed()

    def again(self, turn: Turn | None) -> None:
        """Answer a question anew: that of a turn, or the last one."""
        talk = self._page.talk
        if talk.answer:
            return
        question = talk.question(turn)
        if question is None:
            return
        if question.left_out:
            self._page.composer.put(question.text)
            self._page.composer.focus()
            return
        later = talk.turns[talk.turns.index(question) + 1 :]
        self._page.perform(self._ask_again(later[0] if later else None), group="saying")

    async def _ask_again(self, answer: Turn | None) -> None:
        before = self._page.talk
        if answer:
            await self._desk.read_back(before)
            self._desk.branch(answer)
        self.ask()
        if self._page.talk is not before:
            await self._page.show_talk(self._page.talk)

    async def leave(self) -> None:
        """End all answers and keep what came of them, as far as that takes no time to speak of."""
        with suppress(LlmdError, TimeoutError):
            async with asyncio.timeout(_LEAVING):
                for talk in self._desk.talks:
                    if talk.answer:
                        talk.answer.end(TurnState.STOPPED)
                    if talk.unkept():
                        await self._desk.keep(talk)

    def stop(self, talk: Talk) -> bool:
        """Stop the answer to a talk; return whether there was one."""
        turn = talk.answer
        worker = self._workers.get(turn.trace) if turn else None
        if worker:
            worker.cancel()
        return worker is not None
