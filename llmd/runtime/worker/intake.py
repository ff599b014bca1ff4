"""Requests to tokens: renders the chat template, tokenises, and applies the overflow policy. Worker
side.
"""

from __future__ import annotations

from typing import Protocol

import msgspec

from llmd.chat.template import ChatTemplate
from llmd.errors import ContextOverflow, InvalidRequest
from llmd.protocol.requests import ChatPrompt, EmbedRequest, GenerateRequest, Overflow, TextPrompt


class Tokenizer(Protocol):
    """What intake needs of a vocabulary."""

    size: int
    bos: int
    adds_bos: bool

    def tokenize(self, text: str, *, add_special: bool, parse_special: bool) -> list[int]:
        """Return the tokens of a text."""
        ...


class Prepared(msgspec.Struct, frozen=True):
    """Tokens of a prompt, and how many were dropped to make it fit."""

    tokens: list[int]
    dropped: int = 0


class Intake:
    """Prepares requests for one model."""

    def __init__(self, vocab: Tokenizer, template: ChatTemplate, context_length: int) -> None:
        self._vocab = vocab
        self._template = template
        self._context_length = context_length
        self.stops = template.stops
        """Texts that end an answer in this model's chat format, besides its end tokens."""

    def prompt(self, request: GenerateRequest) -> Prepared:
        """Return the tokens to prefill; raise ContextOverflow or InvalidRequest."""
        prompt = request.prompt
        if isinstance(prompt, ChatPrompt):
            return self._chat(prompt, request.overflow)
        if isinstance(prompt, TextPrompt):
            tokens = self._vocab.tokenize(prompt.text, add_special=True, parse_special=True)
        else:
            tokens = self._checked(prompt.tokens)
        if not tokens:
            raise InvalidRequest(
                "The prompt is empty.", hint="Send at least one token.", param="prompt"
            )
        if len(tokens) <= self._context_length:
            return Prepared(tokens)
        if request.overflow is Overflow.ERROR:
            raise self._overflow(len(tokens), "prompt")
        # half the context stays free for the answer; the first token is kept, since models lean on
        # BOS
        keep = self._context_length // 2
        return Prepared([tokens[0], *tokens[-keep + 1 :]], len(tokens) - keep)

    def inputs(self, request: EmbedRequest, context_length: int) -> list[list[int]]:
        """Return the tokens of each input; raise ContextOverflow or InvalidRequest."""
        prepared = []
        for index, item in enumerate(request.inputs):
            param = f"input[{index}]"
            if isinstance(item, str):
                tokens = self._vocab.tokenize(item, add_special=True, parse_special=False)
            else:
                tokens = self._checked(item)
            if not tokens:
                raise InvalidRequest(
                    f"{param} is empty.", hint="Send at least one character.", param="input"
                )
            if len(tokens) > context_length:
                if not request.truncate:
                    raise self._overflow(len(tokens), param, context_length)
                tokens = [*tokens[: context_length - 1], tokens[-1]]
            prepared.append(tokens)
        return prepared

    def _checked(self, tokens: list[int]) -> list[int]:
        if any(not 0 <= token < self._vocab.size for token in tokens):
            raise InvalidRequest(
                f"Token ids go from 0 to {self._vocab.size - 1} for this model.", param="prompt"
            )
        return tokens

    def _overflow(self, needed: int, what: str, available: int | None = None) -> ContextOverflow:
        available = available or self._context_length
        return ContextOverflow(
            f"{what} has {needed} tokens, but the context of this model holds {available}.",
            hint='Shorten it, raise engine.context_length, or send "context_overflow": "truncate".',
            param=what,
            needed=needed,
            available=available,
        )

    def _chat(self, prompt: ChatPrompt, overflow: Overflow) -> Prepared:
        tokens = self._render(prompt, prompt.messages)
        if len(tokens) <= self._context_length:
            return Prepared(tokens)
        if overflow is Overflow.ERROR:
            raise self._overflow(len(tokens), "messages")
        return self._drop_oldest(prompt, len(tokens))

    def _drop_oldest(self, prompt: ChatPrompt, needed: int) -> Prepared:
        """Drop the oldest messages after the system one until a quarter of the context is free for
        the answer.
        """
        messages = list(prompt.messages)
        first = 1 if messages[0].get("role") == "system" else 0
        target = self._context_length - self._context_length // 4
        while len(messages) - first > 1:
            del messages[first]
            # a tool result without its call, or an answer without its question, would break many
            # templates
            while len(messages) - first > 1 and messages[first].get("role") in {
                "assistant",
                "tool",
            }:
                del messages[first]
            tokens = self._render(prompt, messages)
            if len(tokens) <= target:
                return Prepared(tokens, needed - len(tokens))
        tokens = self._render(prompt, messages)
        if len(tokens) <= self._context_length:
            return Prepared(tokens, needed - len(tokens))
        raise self._overflow(len(tokens), "messages")

    def _render(self, prompt: ChatPrompt, messages: list[dict[str, object]]) -> list[int]:
        text = self._template.render(messages, prompt.tools, arguments=prompt.template_arguments)
        tokens = self._vocab.tokenize(text, add_special=False, parse_special=True)
        # most templates write BOS themselves; twice would be as wrong as never
        if self._vocab.adds_bos and tokens[:1] != [self._vocab.bos]:
            tokens.insert(0, self._vocab.bos)
        return tokens
