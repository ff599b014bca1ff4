"""Prompts and answers in the log, for those who have asked for it with `log.prompts`; without that
nothing of either ever stands there.
"""

from __future__ import annotations

from typing import Any

import structlog

from llmd.protocol.events import Delta, Event
from llmd.protocol.questions import Question
from llmd.protocol.requests import Prompt
from llmd.services.lengths import parts, token_lists

_LONGEST = 10_000
"""Characters of each text."""


class Transcript:
    """One request, as far as it is logged."""

    def __init__(self, model: str, prompt: Prompt) -> None:
        """Log the prompt."""
        self._model = model
        self._pieces: list[str] = []
        self._length = 0
        note(model, prompt)

    def take(self, event: Event) -> None:
        """Keep the beginning of the answer."""
        if isinstance(event, Delta) and self._length <= _LONGEST:
            said = event.reasoning + event.text + "".join(call.arguments for call in event.calls)
            self._pieces.append(said)
            self._length += len(said)

    def end(self) -> None:
        """Log what the answer was, also of one that was cut short."""
        _log("answer", self._model, "".join(self._pieces))


def note(model: str, asked: Prompt | Question) -> None:
    """Log a prompt or a question."""
    texts = [*parts(asked), *token_lists(asked)]
    _log("prompt", model, texts[0] if len(texts) == 1 else texts)


def _log(what: str, model: str, said: Any) -> None:
    text = said if isinstance(said, str) else str(said)
    cut = {"cut": len(text)} if len(text) > _LONGEST else {}
    structlog.get_logger("transcript").info(what, model=model, text=text[:_LONGEST], **cut)
