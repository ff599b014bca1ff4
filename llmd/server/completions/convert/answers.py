"""Native events and results to OpenAI objects. Pure but for ids and the time of creation."""

from __future__ import annotations

import time
import uuid
from abc import ABC, abstractmethod
from typing import ClassVar

from msgspec import UNSET, UnsetType

from llmd.protocol import events as native
from llmd.protocol.models import Medium, ModelManifest
from llmd.server.completions import schema
from llmd.server.completions.convert import line
from llmd.server.completions.convert.tools import Calls, pieces


def usage(parts: list[native.Usage], choices: int) -> schema.Usage:
    """Return the figures of all choices; the prompt of several choices counts once."""
    prompts_read = parts[::choices]
    prompt = sum(part.prompt_tokens for part in prompts_read)
    completion = sum(part.completion_tokens for part in parts)
    dropped = sum(part.dropped_tokens for part in parts)
    slowest = max(
        parts, key=lambda part: part.queue_seconds + part.prefill_seconds + part.decode_seconds
    )
    return schema.Usage(
        prompt_tokens=prompt,
        completion_tokens=completion,
        total_tokens=prompt + completion,
        prompt_tokens_details=schema.PromptTokensDetails(
            sum(part.cached_tokens for part in prompts_read), line.miss(prompts_read)
        ),
        completion_tokens_details=completion_details(parts),
        dropped_tokens=dropped or UNSET,
        timings=timings(slowest, parts),
    )


def completion_details(parts: list[native.Usage]) -> schema.CompletionTokensDetails:
    """Return what the tokens of all choices were."""
    accepted = sum(part.accepted_tokens for part in parts)
    return schema.CompletionTokensDetails(
        reasoning_tokens=sum(part.reasoning_tokens for part in parts),
        accepted_prediction_tokens=accepted,
        rejected_prediction_tokens=sum(part.drafted_tokens for part in parts) - accepted,
    )


def timings(slowest: native.Usage, parts: list[native.Usage]) -> schema.Timings:
    """Return where the time went; drafting counts over all choices."""
    drafted = sum(part.drafted_tokens for part in parts)
    accepted = sum(part.accepted_tokens for part in parts)
    return schema.Timings(
        queue_seconds=round(slowest.queue_seconds, 4),
        prefill_seconds=round(slowest.prefill_seconds, 4),
        decode_seconds=round(slowest.decode_seconds, 4),
        prompt_per_second=_rate(
            slowest.prompt_tokens - slowest.cached_tokens, slowest.prefill_seconds
        ),
        predicted_per_second=_rate(slowest.completion_tokens - 1, slowest.decode_seconds),
        drafted_tokens=drafted or UNSET,
        accepted_tokens=accepted if drafted else UNSET,
        draft_acceptance=round(accepted / drafted, 4) if drafted else UNSET,
    )


def _rate(tokens: int, seconds: float) -> float | UnsetType:
    return round(tokens / seconds, 2) if seconds > 0 and tokens > 0 else UNSET


def _token(item: native.TokenLogprob) -> schema.TokenLogprob:
    top = [
        schema.TopLogprob(_text(piece), round(logprob, 6), list(piece))
        for _, piece, logprob in item.top
    ]
    return schema.TokenLogprob(_text(item.piece), round(item.logprob, 6), list(item.piece), top)


def _text(piece: bytes) -> str:
    return piece.decode("utf-8", "replace")


def chat_logprobs(items: list[native.TokenLogprob]) -> schema.ChatLogprobs | None:
    """Return log-probabilities as chat completions show them."""
    return schema.ChatLogprobs([_token(item) for item in items]) if items else None


_SHOWN = (native.Delta, native.Finished)
_SHAPES: dict[str, type[schema.Completion]] = {
    "chat.completion": schema.ChatCompletion,
    "chat.completion.chunk": schema.ChatChunk,
    "text_completion": schema.TextCompletion,
}


class Envelope:
    """What every object of one answer has in common."""

    def __init__(self, kind: str, model: str, *, chunk: bool) -> None:
        chats = kind == "chat.completion"
        self._id = f"{'chatcmpl' if chats else 'cmpl'}-{uuid.uuid4().hex}"
        self._object = f"{kind}.chunk" if chunk and chats else kind
        self._shape = _SHAPES[self._object]
        self._created = int(time.time())
        self._model = model

    def completion(
        self,
        choices: list[schema.ChatChoice] | list[schema.ChatChunkChoice] | list[schema.TextChoice],
        figures: schema.Usage | UnsetType | None = UNSET,
    ) -> schema.Completion:
        """Return one object."""
        return self._shape(
            id=self._id,
            object=self._object,
            created=self._created,
            model=self._model,
            choices=choices,
            usage=figures,
        )


def model_object(manifest: ModelManifest) -> schema.ModelObject:
    """Return a model as `/v1/models` lists it."""
    return schema.ModelObject(
        id=manifest.name,
        created=int(manifest.added),
        kind=str(manifest.kind),
        size=manifest.size,
        context_length=manifest.context_length,
        quantization=manifest.quantization,
        modalities=["text", *(str(medium) for medium in Medium if medium in manifest.media)],
    )


class Choice:
    """One answer as far as it has come."""

    def __init__(self) -> None:
        self.text = ""
        self.reasoning = ""
        self.calls = Calls()
        self.logprobs: list[native.TokenLogprob] = []
        self.reason: str | None = None
        self.tokens = 0
        """Of the answer, as far as it has come."""
        self.usage = native.Usage()


class Answer(ABC):
    """Gathers the events of one request and gives them out whole or as chunks.

    Take every event first; then `whole` once all choices finished, or `opening`, `chunks` for each
    event, and `closing`.
    """

    kind: ClassVar[str]

    def __init__(self, model: str, count: int, asked: schema.Options) -> None:
        self.model = model
        self._choices = [Choice() for _ in range(count)]
        self._per_prompt = asked.n or 1
        self._envelope = Envelope(self.kind, model, chunk=bool(asked.stream))
        self._shows_usage = bool(
            asked.timings or (asked.stream_options and asked.stream_options.include_usage)
        )

    @property
    def first(self) -> Choice:
        """The first choice as far as it has come."""
        return self._choices[0]

    def take(self, index: int, event: native.Event) -> None:
        """Add one event of one choice."""
        choice = self._choices[index]
        if isinstance(event, native.Delta):
            choice.text += event.text
            choice.tokens += event.tokens
            choice.reasoning += event.reasoning
            if event.calls:
                choice.calls.take(event.calls)
            if event.logprobs:
                choice.logprobs += event.logprobs
        elif isinstance(event, native.Finished):
            choice.reason = str(event.reason)
            choice.tokens = event.usage.completion_tokens
            choice.usage = event.usage

    def whole(self) -> schema.Completion:
        """Return the complete object."""
        return self._envelope.completion(self._finished(), self._usage())

    def opening(self) -> list[schema.Completion]:
        """Return what a stream starts with."""
        return []

    def chunks(self, index: int, event: native.Event) -> list[schema.Completion]:
        """Return what one event adds to a stream."""
        if not isinstance(event, _SHOWN):
            return []
        figures = None if self._shows_usage else UNSET
        return [self._envelope.completion(self._piece(index, event), figures)]

    def closing(self) -> list[schema.Completion]:
        """Return what a stream ends with: the figures, if they were asked for."""
        return [self._envelope.completion([], self._usage())] if self._shows_usage else []

    def _usage(self) -> schema.Usage:
        return usage([choice.usage for choice in self._choices], self._per_prompt)

    @abstractmethod
    def _finished(self) -> list[schema.ChatChoice] | list[schema.TextChoice]:
        """Return all choices, complete."""

    @abstractmethod
    def _piece(
        self, index: int, event: native.Delta | native.Finished
    ) -> list[schema.ChatChunkChoice] | list[schema.TextChoice]:
        """Return what one event adds to one choice."""


class ChatAnswer(Answer):
    """The answer to a chat completion."""

    kind = "chat.completion"

    def opening(self) -> list[schema.Completion]:
        """Name the role, as OpenAI's first chunk does."""
        choices = [
            schema.ChatChunkChoice(index, schema.ChatDelta("assistant", ""))
            for index in range(len(self._choices))
        ]
        return [self._envelope.completion(choices, None if self._shows_usage else UNSET)]

    def _finished(self) -> list[schema.ChatChoice]:
        return [
            schema.ChatChoice(
                index,
                _message(choice),
                choice.reason or "stop",
                chat_logprobs(choice.logprobs),
            )
            for index, choice in enumerate(self._choices)
        ]

    def _piece(
        self, index: int, event: native.Delta | native.Finished
    ) -> list[schema.ChatChunkChoice]:
        if isinstance(event, native.Finished):
            return [schema.ChatChunkChoice(index, schema.ChatDelta(), str(event.reason))]
        other = event.reasoning or event.calls
        delta = schema.ChatDelta(
            content=None if other and not event.text else event.text,
            reasoning_content=event.reasoning or None,
            tool_calls=pieces(event.calls) or None,
        )
        return [schema.ChatChunkChoice(index, delta, logprobs=chat_logprobs(event.logprobs))]


def _message(choice: Choice) -> schema.ChatMessage:
    calls = choice.calls.whole()
    return schema.ChatMessage(
        content=None if calls and not choice.text else choice.text,
        reasoning_content=choice.reasoning or UNSET,
        tool_calls=calls or UNSET,
    )
