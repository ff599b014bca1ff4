"""The answer to a plain completion: echoed prompts, the best of several answers, log-probabilities
as parallel lists. Pure.
"""

from __future__ import annotations

import math

import msgspec

from llmd.protocol import events as native
from llmd.protocol.questions import Detokenize, Question, Score, Scores, Tokenize, Tokens
from llmd.protocol.requests import InfillPrompt, Prompt, TextPrompt, TokenPrompt
from llmd.server.completions import schema
from llmd.server.completions.convert import requests
from llmd.server.completions.convert.answers import Answer, Choice

Lists = tuple[str, float | None, dict[str, float] | None]


class Echo(msgspec.Struct, frozen=True):
    """A prompt as the answer repeats it; `tokens` counts them where nothing is generated."""

    text: str = ""
    tokens: int = 0
    explained: list[Lists] = []


def echo_question(request: schema.CompletionRequest, prompt: Prompt) -> Question | None:
    """Return what the model must be asked before a prompt can be echoed."""
    if not request.echo:
        return None
    if request.logprobs is not None:
        return Score(prompt, request.logprobs, requests.adapters(request))
    if isinstance(prompt, TokenPrompt):
        return Detokenize(prompt.tokens)
    if requests.limit(request) == 0:
        return Tokenize(_text_of(prompt), add_special=True)
    return None


def echo(request: schema.CompletionRequest, prompt: Prompt, reply: Scores | Tokens | None) -> Echo:
    """Return what is repeated of a prompt, given the reply to its question."""
    if not request.echo:
        return Echo()
    if reply is None:
        return Echo(_text_of(prompt))
    if isinstance(reply, Tokens):
        plain = isinstance(prompt, TokenPrompt)
        text = _text(b"".join(reply.pieces)) if plain else _text_of(prompt)
        return Echo(text, len(reply.tokens))
    pieces = [reply.first, *(item.piece for item in reply.logprobs)]
    explained: list[Lists] = [(_text(reply.first), None, None), *map(_lists, reply.logprobs)]
    if reply.added:
        # a BOS that nobody wrote is no part of the text
        explained = explained[1:]
    text = _text(b"".join(pieces)) if isinstance(prompt, TokenPrompt) else _text_of(prompt)
    return Echo(text, len(pieces), explained)


def _text_of(prompt: Prompt) -> str:
    if isinstance(prompt, InfillPrompt):
        return prompt.prefix
    return prompt.text if isinstance(prompt, TextPrompt) else ""


def _text(piece: bytes) -> str:
    return piece.decode("utf-8", "replace")


def _lists(item: native.TokenLogprob) -> Lists:
    top = {_text(piece): round(logprob, 6) for _, piece, logprob in item.top}
    return _text(item.piece), round(item.logprob, 6), top


def text_logprobs(items: list[Lists], offset: int) -> schema.TextLogprobs | None:
    """Return log-probabilities as plain completions show them; `offset`: characters before the
    first token.
    """
    if not items:
        return None
    offsets = []
    for text, _, _ in items:
        offsets.append(offset)
        offset += len(text)
    texts, logprobs, tops = (list(column) for column in zip(*items, strict=True))
    return schema.TextLogprobs(texts, logprobs, tops, offsets)


class TextAnswer(Answer):
    """The answer to a plain completion; `echoes` has one entry a prompt."""

    kind = "text_completion"

    def __init__(self, model: str, asked: schema.CompletionRequest, echoes: list[Echo]) -> None:
        self._made = requests.choices(asked)
        super().__init__(model, len(echoes) * self._made, asked)
        self._per_prompt = self._made
        self._wanted = asked.n or 1
        self._explains = asked.logprobs is not None
        self._silent = requests.limit(asked) == 0
        self._echoes = [echo for echo in echoes for _ in range(self._made)]
        if self._silent:
            for choice, echoed in zip(self._choices, self._echoes, strict=True):
                choice.reason = "length"
                choice.usage = native.Usage(prompt_tokens=echoed.tokens)

    def opening(self) -> list[schema.Completion]:
        """Echo the prompts, if that was asked for."""
        reason = "length" if self._silent else None
        echoed = [
            schema.TextChoice(index, echo.text, reason, text_logprobs(echo.explained, 0))
            for index, echo in enumerate(self._echoes)
            if echo.text or self._silent
        ]
        figures = None if self._shows_usage else msgspec.UNSET
        return [self._envelope.completion(echoed, figures)] if echoed else []

    def _finished(self) -> list[schema.TextChoice]:
        chosen = [
            index
            for first in range(0, len(self._choices), self._made)
            for index in self._best(range(first, first + self._made))
        ]
        return [self._complete(place, index) for place, index in enumerate(chosen)]

    def _best(self, group: range) -> list[int]:
        """Return the likeliest answers to one prompt, by log-probability per token, as OpenAI
        has it.
        """
        if self._wanted == self._made:
            return list(group)
        return sorted(group, key=lambda index: -_mean(self._choices[index]))[: self._wanted]

    def _complete(self, place: int, index: int) -> schema.TextChoice:
        echoed, choice = self._echoes[index], self._choices[index]
        logprobs = None
        if self._explains:
            items = [*echoed.explained, *map(_lists, choice.logprobs)]
            logprobs = text_logprobs(items, 0 if echoed.explained else len(echoed.text))
        return schema.TextChoice(place, echoed.text + choice.text, choice.reason, logprobs)

    def _piece(self, index: int, event: native.Delta | native.Finished) -> list[schema.TextChoice]:
        if isinstance(event, native.Finished):
            return [schema.TextChoice(index, "", str(event.reason))]
        before = len(self._echoes[index].text) + len(self._choices[index].text) - len(event.text)
        logprobs = text_logprobs([_lists(item) for item in event.logprobs], before)
        return [schema.TextChoice(index, event.text, logprobs=logprobs)]


def _mean(choice: Choice) -> float:
    if not choice.logprobs:
        return -math.inf  # an answer that says nothing is the last choice
    return sum(item.logprob for item in choice.logprobs) / len(choice.logprobs)
