"""Keeps what is said in `llmd chat` in a session of the daemon, after each answer."""

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

from llmd.cli.answer import Answer
from llmd.cli.conversation import Conversation, Turn
from llmd.cli.requests import printable
from llmd.client.client import Client
from llmd.errors import LlmdError, NotFound

_UUID = 36
_REMINDER = 300


class Keeping:
    """The session of one conversation, made when there is something to keep.

    A conversation that was cleared, or replaced by a loaded one, goes on in a session of its own;
    an answer that was asked for again takes the place of the one before.
    """

    def __init__(self, client: Client, tell: Callable[[str], None], title: str = "") -> None:
        """Keep into a new session called `title`; `tell` says why something could not be kept."""
        self._client = client
        self._tell = tell
        self._title = title
        self._model = ""
        self._system = ""
        self._turns: list[Turn] = []
        self.session = ""

    def resume(self, session: dict[str, Any]) -> Conversation:
        """Go on with a session; return what was said."""
        self.session, self._model = session["id"], session["model"]
        lines = self._client.get(f"/control/sessions/{self.session}/history")["history"]
        messages = [Turn(line["role"], line["content"]) for line in lines]
        # of several system messages the last one counts: each was set in place of the one before
        self._system = next(
            (message.content for message in reversed(messages) if message.role == "system"), ""
        )
        self._turns = [message for message in messages if message.role != "system"]
        return Conversation(self._system, list(self._turns))

    def keep(self, conversation: Conversation, model: str, answer: Answer) -> None:
        """Keep what is new, of which `answer` is the end."""
        try:
            self._keep(conversation, model, answer)
        except LlmdError as error:
            self._tell(f"Not kept: {error}")

    def _keep(self, conversation: Conversation, model: str, answer: Answer) -> None:
        turns = list(conversation.turns)
        if self.session and len(turns) == len(self._turns) and turns[:-1] == self._turns[:-1]:
            self._cut_answer()
        if turns[: len(self._turns)] != self._turns:
            self.session, self._title, self._system, self._turns = "", "", "", []
        new = list(self._new(conversation))
        new[-1] |= {
            "tokens": answer.usage.get("completion_tokens"),
            "metadata_info": {"model": model, "finish_reason": answer.finish_reason},
        }
        if not self.session:
            order = {"title": self._title, "model": model}
            self.session = self._client.post("/control/sessions", order)["id"]
        elif model != self._model:
            self._client.post(f"/control/sessions/{self.session}", {"model": model})
        self._client.post(f"/control/sessions/{self.session}/messages", {"messages": new})
        self._model, self._system, self._turns = model, conversation.system, turns

    def _cut_answer(self) -> None:
        """Forget the last answer that is kept: the person wanted another one."""
        found = self._client.get(f"/control/sessions/find?name={self.session}")
        path = f"/control/sessions/{self.session}/messages"
        (last,) = self._client.get(f"{path}?skip={found['messages'] - 1}&limit=1")["messages"]
        self._client.delete(f"{path}/{last['id']}")
        self._turns.pop()

    def _new(self, conversation: Conversation) -> Iterator[dict[str, Any]]:
        if conversation.system != self._system:
            yield {"role": "system", "content": conversation.system}
        for turn in conversation.turns[len(self._turns) :]:
            images = [str(picture) for picture in turn.pictures]
            told = {"metadata_info": {"images": images, "media": len(images)}} if images else {}
            yield {"role": turn.role, "content": turn.content, **told}


def recall(client: Client, name: str) -> dict[str, Any] | None:
    """Return the session of that id or title, None when there is none yet; raise NotFound for a
    whole id, which is no name for a new one.
    """
    try:
        found: dict[str, Any] = client.get(f"/control/sessions/find?name={quote(name, safe='')}")
    except NotFound:
        if len(name) == _UUID and name.count("-") == 4:  # noqa: PLR2004  as UUIDs are written
            raise
        return None
    return dict(found["session"])


def reminder(conversation: Conversation) -> Iterator[str]:
    """Tell how a conversation ended, in a few lines."""
    yield f"It goes on after {len(conversation.turns)} messages:"
    for turn in conversation.turns[-2:]:
        speaker = {"user": "You", "assistant": "Answer"}.get(turn.role, turn.role)
        text = " ".join(printable(turn.content.replace("\n", " ")).split())
        yield f"  {speaker}: {text if len(text) <= _REMINDER else text[:_REMINDER] + '…'}"
