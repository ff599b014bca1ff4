"""A conversation as `llmd chat` keeps it: a system message, and turns. Pure but for `save` and
`load`.
"""

from dataclasses import dataclass, field
from pathlib import Path

from llmd.client import saved
from llmd.client.saved import Message


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
    saved.write(conversation.messages(), path)


def load(path: Path) -> Conversation:
    """Read a conversation saved as JSON; raise InvalidRequest when it is none."""
    messages = saved.read(path)
    system = "\n\n".join(message.content for message in messages if message.role == "system")
    return Conversation(system, [message for message in messages if message.role != "system"])
