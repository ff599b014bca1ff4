"""Requests to tokens: renders the chat template, tokenises, and applies the overflow policy. Worker
side.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

import msgspec

from llmd.chat.reader import Layout
from llmd.chat.template import ChatTemplate, Rendering
from llmd.engine.media_cache import Encoded
from llmd.engine.media_span import MediaSpan
from llmd.errors import ContextOverflow, InvalidRequest
from llmd.protocol.questions import Embed
from llmd.protocol.requests import (
    ChatPrompt,
    GenerateRequest,
    InfillPrompt,
    Overflow,
    TextPrompt,
)
from llmd.runtime.worker.infill import gap_tokens
from llmd.runtime.worker.media_prompt import Marks


class Tokenizer(Protocol):
    """What intake needs of a vocabulary."""

    size: int
    bos: int
    adds_bos: bool
    infill: tuple[int, int, int]

    def tokenize(self, text: str, *, add_special: bool, parse_special: bool) -> list[int]:
        """Return the tokens of a text."""
        ...


class Prepared(msgspec.Struct, frozen=True):
    """Tokens of a prompt, and how many were dropped to make it fit."""

    tokens: list[int]
    dropped: int = 0
    rendering: Rendering = Rendering("")
    """The conversation as text, for chat prompts."""
    media: list[MediaSpan] = []

    @property
    def size(self) -> int:
        """Cells of the KV cache, which are what has to fit the context."""
        return len(self.tokens) + sum(span.extra for span in self.media)


class MediaTokenizer(Protocol):
    """What intake needs of a projector."""

    def tokenize(self, parts: Sequence[str | Encoded]) -> tuple[list[int], list[MediaSpan]]:
        """Return the tokens of texts and media, and where the latter stand."""


class Intake:
    """Prepares requests for one model."""

    def __init__(
        self,
        vocab: Tokenizer,
        template: ChatTemplate,
        context_length: int,
        media: MediaTokenizer | None = None,
    ) -> None:
        self._media = media
        self._vocab = vocab
        self._template = template
        self._context_length = context_length
        self.stops = template.stops
        """Texts that end an answer in this model's chat format, besides its end tokens."""

    def prompt(self, request: GenerateRequest, shown: Sequence[Encoded] = ()) -> Prepared:
        """Return the tokens to prefill, `shown` being the media of a chat prompt; raise
        ContextOverflow or InvalidRequest.
        """
        prompt = request.prompt
        if isinstance(prompt, ChatPrompt):
            return self._chat(prompt, request.overflow, shown)
        if isinstance(prompt, TextPrompt):
            tokens = self._vocab.tokenize(prompt.text, add_special=True, parse_special=True)
        elif isinstance(prompt, InfillPrompt):
            return Prepared(
                *gap_tokens(self._vocab, prompt, request.overflow, self._context_length)
            )
        else:
            tokens = self.checked(prompt.tokens)
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

    def inputs(self, request: Embed, context_length: int) -> list[list[int]]:
        """Return the tokens of each input; raise ContextOverflow or InvalidRequest."""
        prepared = []
        for index, item in enumerate(request.inputs):
            param = f"input[{index}]"
            if isinstance(item, str):
                tokens = self._vocab.tokenize(item, add_special=True, parse_special=False)
            else:
                tokens = self.checked(item)
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

    def render(self, prompt: ChatPrompt) -> tuple[str, list[int]]:
        """Return a conversation as the model reads it, as text and tokens; raise InvalidRequest."""
        marks = Marks()
        text = marks.show(self._template.prompt(prompt, marks.put(prompt.messages)).text)
        tokens = self._vocab.tokenize(text, add_special=False, parse_special=True)
        return text, [self._vocab.bos, *tokens] if self._lacks_bos(tokens) else tokens

    def layout(self, prompt: ChatPrompt, rendering: Rendering) -> Layout:
        """Return what the answer to a chat prompt, as it was rendered, can hold."""
        return self._template.layout(prompt, rendering)

    def checked(self, tokens: list[int]) -> list[int]:
        """Return tokens that are all of this vocabulary; raise InvalidRequest."""
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

    def _chat(self, prompt: ChatPrompt, overflow: Overflow, shown: Sequence[Encoded]) -> Prepared:
        whole = self._render(prompt, prompt.messages, shown)
        if whole.size <= self._context_length:
            return whole
        if overflow is Overflow.ERROR:
            raise self._overflow(whole.size, "messages")
        kept = self._drop_oldest(prompt, shown)
        return msgspec.structs.replace(kept, dropped=whole.size - kept.size)

    def _drop_oldest(self, prompt: ChatPrompt, shown: Sequence[Encoded]) -> Prepared:
        """Drop the oldest messages after the system one until a quarter of the context is free for
        the answer. One that was begun keeps its question.
        """
        messages = list(prompt.messages)
        first = 1 if messages[0].get("role") == "system" else 0
        least = 2 if messages[-1].get("role") == "assistant" else 1
        target = self._context_length - self._context_length // 4
        while len(messages) - first > least:
            del messages[first]
            # a tool result without its call, or an answer without its question, would break many
            # templates
            while len(messages) - first > least and messages[first].get("role") in {
                "assistant",
                "tool",
            }:
                del messages[first]
            prepared = self._render(prompt, messages, shown)
            if prepared.size <= target:
                return prepared
        prepared = self._render(prompt, messages, shown)
        if prepared.size <= self._context_length:
            return prepared
        raise self._overflow(prepared.size, "messages")

    def _render(
        self, prompt: ChatPrompt, messages: list[dict[str, object]], shown: Sequence[Encoded]
    ) -> Prepared:
        if not shown or self._media is None:
            rendering = self._template.prompt(prompt, messages)
            media: list[MediaSpan] = []
            tokens = self._vocab.tokenize(rendering.text, add_special=False, parse_special=True)
        else:
            marks = Marks()
            rendering = self._template.prompt(prompt, marks.put(messages))
            parts = marks.cut(rendering.text, messages)
            text = "".join(part for part in parts if isinstance(part, str))
            rendering = msgspec.structs.replace(rendering, text=text)
            tokens, media = self._media.tokenize(
                [part if isinstance(part, str) else shown[part] for part in parts]
            )
        if self._lacks_bos(tokens):
            tokens.insert(0, self._vocab.bos)
            media = [replace(span, start=span.start + 1) for span in media]
        if media and media[-1].end == len(tokens):
            raise InvalidRequest(
                "The model's chat template ends the prompt with a picture or sound.",
                hint="Put a text behind it.",
                param="messages",
            )
        return Prepared(tokens, rendering=rendering, media=media)

    def _lacks_bos(self, tokens: list[int]) -> bool:
        # most templates write BOS themselves; twice would be as wrong as never
        return self._vocab.adds_bos and tokens[:1] != [self._vocab.bos]
