"""All talks that are open: which is shown, what they may be asked, how they are answered and kept.

A talk stays open while another one is shown: its answer goes on, and what was typed waits in it.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from typing import Any, Protocol

from llmd.errors import InvalidRequest, LlmdError, NotFound
from llmd.tui.chat import keeping, pictures
from llmd.tui.chat.asking import Streams, ask
from llmd.tui.chat.keeping import Calls
from llmd.tui.chat.talk import Talk
from llmd.tui.chat.turns import Turn, TurnState

MODELS = "/control/models"


class Daemon(Calls, Streams, Protocol):
    """What it needs of a client."""


class Desk:
    """Talks, and the models that answer."""

    def __init__(self, client: Daemon, tell: Callable[[str], None]) -> None:
        """`tell` gets sentences that a person must know."""
        self._client = client
        self._tell = tell
        self._keeping = asyncio.Lock()
        self._reading = asyncio.Lock()
        self.models: list[dict[str, Any]] = []
        """Installed models that chat, as control calls describe them."""
        self.default = ""
        self.talks: list[Talk] = [Talk()]
        """Those that are open, the newest last."""
        self.shown = self.talks[0]
        self.waiting: set[Talk] = set()
        """Those that could not be kept yet."""

    @property
    def names(self) -> list[str]:
        """Names of the models that chat."""
        return [str(model["name"]) for model in self.models]

    async def learn(self) -> None:
        """Learn which models there are."""
        found = await self._client.get(MODELS)
        self.models = [model for model in found["models"] if model["kind"] == "chat"]
        self.default = str(found["default"])

    def model(self, talk: Talk) -> str:
        """Return the name of the model that answers a talk next."""
        return talk.model or self.default

    def choose(self, talk: Talk, name: str) -> None:
        """Ask another model from now on; raise InvalidRequest when it is not here."""
        if name not in self.names:
            known = ", ".join(self.names) or "none"
            hint = f"Installed: {known}."
            raise InvalidRequest(f"There is no chat model {name} here.", hint=hint)
        talk.model = name

    def sees(self, talk: Talk) -> bool:
        """Whether its model takes pictures."""
        name = self.model(talk)
        return any(model["name"] == name and model["vision"] for model in self.models)

    def attach(self, talk: Talk, path: str) -> str:
        """Attach a picture to what is said next, and return its path; raise InvalidRequest where
        that cannot be.
        """
        if not self.sees(talk):
            seeing = [str(model["name"]) for model in self.models if model["vision"]]
            hint = f"These do: {', '.join(seeing)}." if seeing else "`llmd pull` one that does."
            raise InvalidRequest(f"{self.model(talk)} does not see pictures.", hint=hint)
        found = str(pictures.check(path))
        if found not in talk.images:
            talk.images = [*talk.images, found]
        return found

    def fresh(self) -> Talk:
        """Show an empty talk with the model and wishes of the one before."""
        if not self.shown.session and not self.shown.turns:
            return self.shown
        before = self.shown
        return self.show(Talk(model=before.model, wishes=before.wishes))

    def show(self, talk: Talk) -> Talk:
        """Show a talk, and close those that nothing would be lost of."""
        self.shown = talk
        self.talks = [one for one in self.talks if one is talk or self._unfinished(one)]
        if talk not in self.talks:
            self.talks.append(talk)
        return talk

    def _unfinished(self, talk: Talk) -> bool:
        loose = talk.answer or talk.draft or talk.images or talk.unkept() or talk.cut
        return bool(loose or (talk.turns and not talk.turns[-1].kept))

    async def open(self, session: str) -> Talk:
        """Show a kept talk, where it was left; raise NotFound."""
        known = next((talk for talk in self.talks if talk.session == session), None)
        return self.show(known or await keeping.reopen(self._client, session))

    def branch(self, turn: Turn) -> Talk:
        """Return the talk in which a turn can be said otherwise: the one that is shown, without the
        turn and what followed; or, where more than its answer followed, one of its own, so that
        nothing is lost.
        """
        talk = self.shown
        if not talk.after(turn):
            talk.rewind(turn)
            return talk
        title = talk.title or "The conversation"
        self._tell(f"{title} stays as it was; this one goes on beside it.")
        return self.show(talk.fork(turn))

    async def read_back(self, talk: Talk) -> None:
        """Fetch all of a talk that was not fetched yet."""
        async with self._reading:
            while await keeping.read_back(self._client, talk):
                pass  # every page lets others have their turn

    def begin(self, talk: Talk) -> Turn:
        """Begin an answer, which `answer` then fills."""
        return talk.begin(self.model(talk), f"tui-{uuid.uuid4().hex[:16]}")

    async def answer(self, talk: Talk, turn: Turn, changed: Callable[[Turn], None]) -> None:
        """Fill an answer; failures end the turn and are not raised."""
        try:
            await self.read_back(talk)
            body = await self._body(talk, turn)
        except LlmdError as error:
            turn.end(TurnState.BROKEN, error)
            changed(turn)
            return
        except asyncio.CancelledError:
            turn.end(TurnState.STOPPED)
            changed(turn)
            raise
        await ask(self._client, body, turn, changed)

    async def _body(self, talk: Talk, turn: Turn) -> dict[str, Any]:
        paths = {path for one in talk.turns if not one.left_out for path in one.images}
        loaded = await asyncio.to_thread(pictures.load, paths) if paths and self.sees(talk) else {}
        if gone := sorted(paths - loaded.keys()):
            why = "cannot be read any more" if self.sees(talk) else "are not seen by this model"
            self._tell(f"Pictures of earlier messages {why}: {', '.join(gone)}")
        tools = {"tools": talk.tools} if talk.tools else {}
        return {
            **talk.wishes.body(),
            **tools,
            "model": turn.model or None,
            "messages": talk.messages(loaded),
        }

    async def keep(self, talk: Talk) -> None:
        """Keep a talk; raise why it could not be kept, which is tried again by `keep_waiting`."""
        async with self._keeping:
            try:
                await self._keep(talk)
            except LlmdError:
                self.waiting.add(talk)
                raise
        self.waiting.discard(talk)

    async def _keep(self, talk: Talk) -> None:
        try:
            await keeping.keep(self._client, talk)
        except NotFound:
            self._moved(talk)
            await keeping.keep(self._client, talk)

    def _moved(self, talk: Talk) -> None:
        """Note that the session is gone: what is here goes into one of its own."""
        self._tell("The session was deleted meanwhile; the conversation goes into a new one.")
        talk.session = talk.cut = talk.known_model = ""
        talk.missing = 0
        for turn in talk.turns:
            turn.kept = ""

    async def keep_waiting(self) -> None:
        """Keep what could not be kept before."""
        for talk in list(self.waiting):
            await self.keep(talk)

    async def rename(self, session: str, title: str) -> None:
        """Give a conversation another title, be it open or not."""
        await keeping.rename(self._client, session, title)
        for talk in self.talks:
            if talk.session == session:
                talk.title = title

    def named(self, session: str) -> list[Talk]:
        """Return what is open of a session, without an id what is shown."""
        return [talk for talk in self.talks if talk.session == session] if session else [self.shown]

    async def remove(self, session: str) -> bool:
        """Delete a conversation, without an id the one that is shown; return whether it was shown,
        in place of which an empty one is now.
        """
        if session:
            await keeping.remove(self._client, session)
        gone = self.named(session)
        self.talks = [talk for talk in self.talks if talk not in gone]
        self.waiting -= set(gone)
        if self.shown not in gone:
            return False
        self.show(Talk(model=self.shown.model, wishes=self.shown.wishes))
        return True
