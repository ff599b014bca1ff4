"""What a request turned out to be, gathered while it is answered: for its line in the log and for
its trace.

Whatever answers a request runs in the context of it, so what is deep inside finds the journal
without everything between handing it on.
"""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass, field

_MOST = 64
"""Answers of one request that are kept apart."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer, or one question that was answered; seconds."""

    model: str
    prompt_tokens: int
    completion_tokens: int
    ended: float
    """Since the epoch."""
    queue: float = 0.0
    prefill: float = 0.0
    decode: float = 0.0
    outcome: str = ""


@dataclass(slots=True)
class Journal:
    """What is known of a request under way."""

    model: str = ""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    answers: list[Answer] = field(default_factory=list)

    def note(self, answer: Answer) -> None:
        """Learn of an answer."""
        self.model = answer.model
        self.prompt_tokens += answer.prompt_tokens
        self.completion_tokens += answer.completion_tokens
        if len(self.answers) < _MOST:
            self.answers.append(answer)


_CURRENT: ContextVar[Journal | None] = ContextVar("journal", default=None)


class keeping:  # noqa: N801  used as a function; a generator would cost three times as much
    """Keep a journal for the length of a `with`."""

    __slots__ = ("_token",)

    def __enter__(self) -> Journal:
        journal = Journal()
        self._token = _CURRENT.set(journal)
        return journal

    def __exit__(self, *_: object) -> None:
        _CURRENT.reset(self._token)


def note(answer: Answer) -> None:
    """Write into the journal of the request that is being answered, if one is kept."""
    journal = _CURRENT.get()
    if journal is not None:
        journal.note(answer)
