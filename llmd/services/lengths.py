"""How long prompts may be, apart from what a model's context holds: characters are counted before
anything is done with a prompt, tokens as soon as it is tokenised.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from llmd.config.sharing import LimitSettings
from llmd.errors import ContextOverflow, InvalidRequest
from llmd.protocol.events import Accepted
from llmd.protocol.questions import (
    Detokenize,
    Embed,
    Question,
    Rerank,
    Tokenize,
)
from llmd.protocol.requests import ChatPrompt, InfillPrompt, Prompt, TextPrompt, TokenPrompt


class Lengths:
    """Refuses prompts that are longer than the settings allow."""

    def __init__(self, settings: LimitSettings | None = None) -> None:
        limits = settings or LimitSettings()
        self._tokens = limits.prompt_tokens
        self._characters = limits.prompt_characters

    def check(self, asked: Iterable[Prompt | Question]) -> None:
        """Raise InvalidRequest when one has too many characters, ContextOverflow when one that
        comes as tokens has too many of them.
        """
        if not (self._tokens or self._characters):
            return
        for one in asked:
            found = max(map(characters, parts(one)), default=0)
            if self._characters and found > self._characters:
                raise InvalidRequest(
                    f"The prompt has {found} characters; at most {self._characters} are taken.",
                    hint="Send less, or raise limits.prompt_characters.",
                    needed=found,
                    available=self._characters,
                )
            self._check_tokens(max(map(len, token_lists(one)), default=0))

    def accepted(self, event: Accepted) -> None:
        """Raise ContextOverflow when a prompt turns out to have too many tokens."""
        self._check_tokens(event.prompt_tokens)

    def _check_tokens(self, found: int) -> None:
        if self._tokens and found > self._tokens:
            raise ContextOverflow(
                f"The prompt has {found} tokens; at most {self._tokens} are taken.",
                hint="Send less, or raise limits.prompt_tokens.",
                needed=found,
                available=self._tokens,
            )


def parts(asked: Prompt | Question) -> list[Any]:
    """Return what holds text of a prompt or a question; each part has a length of its own."""
    if isinstance(asked, ChatPrompt):
        return [[asked.messages, asked.tools]]
    if isinstance(asked, TextPrompt | Tokenize):
        return [asked.text]
    if isinstance(asked, InfillPrompt):
        return [[asked.prefix, asked.suffix]]
    if isinstance(asked, Embed):
        return [given for given in asked.inputs if isinstance(given, str)]
    if isinstance(asked, Rerank):
        return [[asked.query, document] for document in asked.documents]
    return [] if isinstance(asked, TokenPrompt | Detokenize) else parts(asked.prompt)


def token_lists(asked: Prompt | Question) -> list[list[int]]:
    """Return what comes as tokens."""
    if isinstance(asked, TokenPrompt | Detokenize):
        return [asked.tokens]
    if isinstance(asked, Embed):
        return [given for given in asked.inputs if isinstance(given, list)]
    return []


def characters(text: Any) -> int:
    """Return how many characters the texts in a JSON value have together."""
    if isinstance(text, str):
        return len(text)
    if isinstance(text, dict):
        return sum(map(characters, text.values()))
    return sum(map(characters, text)) if isinstance(text, list) else 0
