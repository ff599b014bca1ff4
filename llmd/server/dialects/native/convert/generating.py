"""Requests of the native API to those that all dialects share, and the answers back. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import UNSET

from llmd.errors import InvalidRequest
from llmd.server.completions import schema as completions
from llmd.server.dialects.native.errors import Problem
from llmd.server.dialects.native.schema import Generate, Generated, Result, Token

_SHARED = completions.Options.__struct_fields__
_USAGE = completions.StreamOptions(include_usage=True)


def asked(request: Generate) -> completions.ChatRequest | completions.CompletionRequest:
    """Return a request as `/v1` would have it: a conversation of one message, or with `raw` a text
    to go on from; raise InvalidRequest for what has no answer of one text.
    """
    if (request.n or 1) > 1:
        raise InvalidRequest(
            "There is one answer to each prompt here, and n asks for more.",
            hint="Send several requests to /batch/generate, or n to /v1.",
            param="n",
        )
    shared: dict[str, Any] = {name: getattr(request, name) for name in _SHARED}
    shared["stream_options"] = _USAGE
    if request.raw:
        _check_raw(request)
        return completions.CompletionRequest(prompt=request.prompt, **shared)
    system = [completions.Message(role="system", content=request.system)] if request.system else []
    return completions.ChatRequest(
        messages=[*system, completions.Message(role="user", content=request.prompt)],
        enable_thinking=request.enable_thinking,
        reasoning_budget=request.reasoning_budget,
        **shared,
    )


def _check_raw(request: Generate) -> None:
    for name in ("system", "enable_thinking", "reasoning_budget"):
        if getattr(request, name) is not None:
            raise InvalidRequest(
                f"A raw prompt is continued as it stands, which leaves no place for {name}.",
                hint=f"Leave out raw or {name}.",
                param=name,
            )


def patient(request: Generate) -> Generate:
    """Return a request of a batch: it lets interactive ones go first unless it says otherwise;
    raise InvalidRequest for one that is to be streamed.
    """
    if request.stream:
        raise InvalidRequest(
            "The answers of a batch come all together.", hint="Leave out stream.", param="stream"
        )
    said = request.lane or request.service_tier
    return request if said else msgspec.structs.replace(request, lane="batch")


def generated(whole: completions.Completion, seconds: float) -> Generated:
    """Return a complete answer that took `seconds`."""
    choice = whole.choices[0]
    if not isinstance(choice, completions.ChatChoice | completions.TextChoice):
        raise TypeError("a piece is no whole answer")
    text, reasoning = _said(choice)
    return Generated(
        text=text,
        usage=_usage(whole),
        latency=round(seconds, 3),
        model=whole.model,
        finish_reason=choice.finish_reason or "stop",
        reasoning_content=reasoning or UNSET,
    )


def _said(choice: completions.ChatChoice | completions.TextChoice) -> tuple[str, str]:
    if isinstance(choice, completions.TextChoice):
        return choice.text, ""
    return choice.message.content or "", choice.message.reasoning_content or ""


def _usage(whole: completions.Completion) -> completions.Usage:
    if not isinstance(whole.usage, completions.Usage):
        raise TypeError("whole answers and last pieces have a usage")
    return whole.usage


def result(answer: Generated | Problem) -> Result:
    """Return what stands in a batch's answer."""
    if isinstance(answer, Problem):
        return Result(error=answer)
    return Result(**msgspec.structs.asdict(answer))


class Progress:
    """A streamed answer as far as it has come: takes pieces as `/v1` has them, gives events. What
    comes with the end of the answer waits for it, so that the last text and the end are one event.
    """

    def __init__(self) -> None:
        self._token = ""
        self._reasoning = ""
        self._reason = ""
        self._last: completions.Completion | None = None

    def take(self, pieces: Sequence[completions.Completion]) -> Token | None:
        """Return the event that pieces make, if they make one before the end."""
        for piece in pieces:
            for choice in piece.choices:
                self._add(choice)
            if piece.usage:
                self._last = piece
        if self._reason or not (self._token or self._reasoning):
            return None
        event = Token(token=self._token, finished=False, reasoning_content=self._reasoning or UNSET)
        self._token = self._reasoning = ""
        return event

    def _add(
        self,
        choice: completions.ChatChoice | completions.ChatChunkChoice | completions.TextChoice,
    ) -> None:
        if isinstance(choice, completions.ChatChunkChoice):
            self._token += choice.delta.content or ""
            self._reasoning += choice.delta.reasoning_content or ""
        elif isinstance(choice, completions.TextChoice):
            self._token += choice.text
        self._reason = choice.finish_reason or self._reason

    def end(self, seconds: float) -> Token:
        """Return the last event of an answer that took `seconds`."""
        last = self._last
        return Token(
            token=self._token,
            finished=True,
            reasoning_content=self._reasoning or UNSET,
            finish_reason=self._reason or "stop",
            usage=_usage(last) if last else UNSET,
            latency=round(seconds, 3),
            model=last.model if last else UNSET,
        )


def broken(problem: Problem) -> Token:
    """Return the last event of an answer that failed half way."""
    return Token(token="", finished=True, error=problem)


SILENCE = Token(token="", finished=False)
"""What a stream carries while there is nothing to say: an event, for clients that know no
comments.
"""
