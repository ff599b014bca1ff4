"""A conversation as `llmd chat` keeps it: a system message, and turns. Pure but for `save` and
`load`.
"""

from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from llmd.errors import InvalidRequest

_TITLES = {"system": "System", "user": "You", "assistant": "Answer"}


class Message(msgspec.Struct, frozen=True):
    """One turn."""

    role: str
    content: str


@dataclass
class Conversation:
    """What was said so far."""

    system: str = ""
    turns: list[Message] = field(default_factory=list)

    def ask(self, text: str) -> None:
        """Add what the person says."""
        self.turns.append(Message("user", text))

    def answer(self, text: str) -> None:
        """Add what the model said, possibly cut short by the person."""
        self.turns.append(Message("assistant", text))

    def take_back(self) -> None:
        """Forget the last question, which got no answer."""
        if self.turns and self.turns[-1].role == "user":
            self.turns.pop()

    def clear(self) -> None:
        """Forget all turns; the system message stays."""
        self.turns.clear()

    def messages(self) -> list[Message]:
        """Return all messages, the system message first."""
        return [Message("system", self.system), *self.turns] if self.system else list(self.turns)


def save(conversation: Conversation, path: Path) -> None:
    """Write the conversation: JSON messages into `*.json`, Markdown into anything else."""
    messages = conversation.messages()
    if path.suffix == ".json":
        path.write_bytes(msgspec.json.format(msgspec.json.encode(messages), indent=2) + b"\n")
    else:
        parts = (
            f"## {_TITLES.get(message.role, message.role)}\n\n{message.content}\n"
            for message in messages
        )
        path.write_text("\n".join(parts), encoding="utf-8")


def load(path: Path) -> Conversation:
    """Read a conversation saved as JSON; raise InvalidRequest when it is none."""
    try:
        messages = msgspec.json.decode(path.read_bytes(), type=list[Message])
    except msgspec.DecodeError as error:
        raise InvalidRequest(
            f"{path} is no saved conversation: {error}.",
            hint="`/save NAME.json` writes one that can be read.",
        ) from error
    system = "\n\n".join(message.content for message in messages if message.role == "system")
    return Conversation(system, [message for message in messages if message.role != "system"])
