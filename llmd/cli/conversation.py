"""A conversation as `llmd chat` keeps it: a system message, and turns. Pure but for pictures, and
for `save` and `load`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from llmd.cli import attachments
from llmd.client import saved
from llmd.client.saved import Message


class Turn(NamedTuple):
    """What somebody said."""

    role: str
    content: str
    pictures: tuple[Path, ...] = ()


@dataclass
class Conversation:
    """What was said so far."""

    system: str = ""
    turns: list[Turn] = field(default_factory=list)

    def ask(self, text: str, pictures: Sequence[Path] = ()) -> None:
        """Add what the person says."""
        self.turns.append(Turn("user", text, tuple(pictures)))

    def answer(self, text: str) -> None:
        """Add what the model said, possibly cut short by the person."""
        self.turns.append(Turn("assistant", text))

    def take_back(self) -> Turn | None:
        """Forget the last question, which got no answer; return it."""
        return self._taken("user")

    def take_answer(self) -> Turn | None:
        """Forget the last answer, if there is one, so that another one can follow; return it."""
        return self._taken("assistant")

    def _taken(self, role: str) -> Turn | None:
        return self.turns.pop() if self.turns and self.turns[-1].role == role else None

    def clear(self) -> None:
        """Forget all turns; the system message stays."""
        self.turns.clear()

    def all(self) -> list[Turn]:
        """Return all turns, the system message first."""
        return [Turn("system", self.system), *self.turns] if self.system else list(self.turns)

    def messages(self) -> list[dict[str, Any]]:
        """Return what the model reads; raise InvalidRequest or OSError where a picture has gone."""
        return [
            {"role": turn.role, "content": attachments.content(turn.content, turn.pictures)}
            for turn in self.all()
        ]


def save(conversation: Conversation, path: Path) -> None:
    """Write the conversation: JSON messages into `*.json`, Markdown into anything else."""
    saved.write([Message(turn.role, turn.content) for turn in conversation.all()], path)


def load(path: Path) -> Conversation:
    """Read a conversation saved as JSON; raise InvalidRequest when it is none."""
    turns = [Turn(message.role, message.content) for message in saved.read(path)]
    system = "\n\n".join(turn.content for turn in turns if turn.role == "system")
    return Conversation(system, [turn for turn in turns if turn.role != "system"])
