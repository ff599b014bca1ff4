"""A talk: turns, and what they may become. Pure.

What is kept in a session is only ever added to at its end or cut off at its end: `cut` remembers
from which message on, until keeping.py has done so.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from llmd.tui.chat.turns import SYSTEM, Call, Turn, TurnState
from llmd.tui.chat.wishes import Wishes

_FORKED = "(edited)"
_LONGEST_TITLE = 200


@dataclass(eq=False)
class Talk:
    """One conversation, kept or not yet."""

    model: str = ""
    """Which answers next; empty: the default."""
    session: str = ""
    """Id of the session it is kept in; empty: in none yet."""
    title: str = ""
    turns: list[Turn] = field(default_factory=list)
    missing: int = 0
    """Messages before the first turn that were not fetched yet."""
    wishes: Wishes = field(default_factory=Wishes)
    tools: list[dict[str, Any]] = field(default_factory=list)
    draft: str = ""
    """What is being typed."""
    images: list[str] = field(default_factory=list)
    """Paths of pictures that go with what is being typed."""
    cut: str = ""
    """Id of the message from which on its session no longer holds."""
    known_model: str = ""
    """Which its session names."""

    @property
    def system(self) -> str:
        """The system prompt that holds: of several the last one, each was set in place of the one
        before.
        """
        return next((turn.text for turn in reversed(self.turns) if turn.role in SYSTEM), "")

    @property
    def answer(self) -> Turn | None:
        """The answer that is under way."""
        return self.turns[-1] if self.turns and self.turns[-1].busy else None

    @property
    def asked_call(self) -> Call | None:
        """The first tool call that nobody answered yet: what is said next is its result."""
        done: set[str] = set()
        for turn in reversed(self.turns):
            if turn.role == "tool":
                done.add(turn.call_id)
            elif turn.role == "assistant" and turn.says_something:
                return next((call for call in turn.calls if call.id not in done), None)
            elif turn.role == "user" and not turn.left_out:
                return None
        return None

    def set_system(self, text: str) -> Turn | None:
        """Set the system prompt from here on; return the turn that says so, None where nothing
        changes.
        """
        if text == self.system:
            return None
        last = self.turns[-1] if self.turns else None
        if last and last.role in SYSTEM and not last.kept:
            last.text = text
            return last
        self.turns.append(Turn("system", text))
        return self.turns[-1]

    def say(self, text: str) -> Turn:
        """Add what the person says, with the pictures that wait for it: a question, or the result
        of a tool call. A question that was not answered is not asked again with it.
        """
        call = self.asked_call
        if call:
            turn = Turn("tool", text, call_id=call.id)
        else:
            self._leave_out()
            turn = Turn("user", text, images=self.images)
            self.images = []
        self.turns.append(turn)
        return turn

    def _leave_out(self) -> None:
        """Leave a question that got no answer out of what the model reads from now on."""
        if self.turns and self.turns[-1].state is TurnState.FAILED:
            question = self.question()
            if question and question.role == "user":
                question.left_out = self.turns[-1].left_out = True

    def begin(self, model: str, trace: str) -> Turn:
        """Begin an answer."""
        turn = Turn("assistant", model=model, state=TurnState.ASKING, trace=trace)
        self.turns.append(turn)
        return turn

    def rewind(self, turn: Turn) -> None:
        """Drop a turn and all after it; a session loses them when the talk is kept next."""
        index = self.turns.index(turn)
        dropped = self.turns[index:]
        del self.turns[index:]
        self.cut = next((one.kept for one in dropped if one.kept), self.cut)

    def question(self, turn: Turn | None = None) -> Turn | None:
        """Return what a turn answers, or the turn itself where it asks; without one, what was asked
        last.
        """
        end = self.turns.index(turn) + 1 if turn in self.turns else len(self.turns)
        asked = (one for one in reversed(self.turns[:end]) if one.role in {"user", "tool"})
        return next(asked, None)

    def last_said(self) -> Turn | None:
        """Return what the person said last."""
        return next((turn for turn in reversed(self.turns) if turn.role == "user"), None)

    def after(self, turn: Turn) -> int:
        """Return how many turns besides its answer come after one."""
        later = [one for one in self.turns[self.turns.index(turn) + 1 :] if not one.left_out]
        return sum(one.role == "user" for one in later)

    def fork(self, turn: Turn) -> Talk:
        """Return a talk of its own with all that was said before a turn."""
        before = self.turns[: self.turns.index(turn)]
        turns = [copy.copy(one) for one in before if not one.left_out and one.says_something]
        for one in turns:
            one.kept = ""
        title = self.title.removesuffix(_FORKED).strip()[:_LONGEST_TITLE]
        return Talk(
            model=self.model,
            title=f"{title} {_FORKED}".strip(),
            turns=turns,
            wishes=self.wishes,
            tools=list(self.tools),
        )

    def messages(self, pictures: Mapping[str, str]) -> list[dict[str, Any]]:
        """Return what the model reads; `pictures` gives data URLs by path."""
        said = [
            turn.message(pictures)
            for turn in self.turns
            if turn.role not in SYSTEM and not turn.left_out and turn.says_something
        ]
        return [{"role": "system", "content": self.system}, *said] if self.system else said

    def unkept(self) -> list[Turn]:
        """Return what is to be added to the session: whole exchanges, no question without its
        answer.
        """
        last = len(self.turns)
        while last and not self._ends_exchange(self.turns[last - 1]):
            last -= 1
        return [
            turn
            for turn in self.turns[:last]
            if not turn.kept and not turn.left_out and turn.says_something
        ]

    @staticmethod
    def _ends_exchange(turn: Turn) -> bool:
        ended = turn.role == "assistant" and not turn.busy and turn.says_something
        return bool(turn.kept) or ended
