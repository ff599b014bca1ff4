"""OpenAI requests to native ones, and native events to OpenAI objects. Pure."""

from __future__ import annotations

import base64
import time
import uuid
from abc import ABC, abstractmethod
from typing import Any, ClassVar

import msgspec
import numpy as np
from msgspec import UNSET, UnsetType

from llmd.config.settings import SamplingSettings
from llmd.errors import InvalidRequest
from llmd.protocol import events as native
from llmd.protocol.models import ModelManifest
from llmd.protocol.requests import (
    ChatPrompt,
    EmbedRequest,
    GenerateRequest,
    Overflow,
    Prompt,
    Sampling,
    TextPrompt,
    TokenPrompt,
)
from llmd.server.dialects.openai import schema

_MAX_PROMPTS = 128


def sampling(options: schema.Options, defaults: SamplingSettings) -> Sampling:
    """Return how to sample: the request's wishes over the configured defaults."""

    def either(value: Any, default: Any) -> Any:
        return default if value is None else value

    return Sampling(
        temperature=either(options.temperature, defaults.temperature),
        top_k=either(options.top_k, defaults.top_k),
        top_p=either(options.top_p, defaults.top_p),
        min_p=either(options.min_p, defaults.min_p),
        typical_p=either(options.typical_p, 1.0),
        repeat_penalty=either(options.repeat_penalty, 1.0),
        repeat_last_n=either(options.repeat_last_n, 64),
        frequency_penalty=either(options.frequency_penalty, 0.0),
        presence_penalty=either(options.presence_penalty, 0.0),
        seed=options.seed,
        logit_bias=options.logit_bias or {},
    )


def _requests(
    options: schema.Options,
    prompts: list[Prompt],
    defaults: SamplingSettings,
    max_tokens: int | None,
    logprobs: int | None,
) -> list[GenerateRequest]:
    """Return one request per prompt and choice, choices of one prompt next to each other."""
    chosen = sampling(options, defaults)
    stops = [options.stop] if isinstance(options.stop, str) else options.stop or []
    plain = GenerateRequest(
        prompt=prompts[0],
        sampling=chosen,
        max_tokens=max_tokens or defaults.max_tokens or None,
        stop=[stop for stop in stops if stop],
        ignore_eos=bool(options.ignore_eos),
        logprobs=logprobs,
        overflow=Overflow(options.context_overflow or "error"),
    )
    replace = msgspec.structs.replace
    return [
        # a seed makes the whole answer repeatable, and still its choices differ
        replace(plain, prompt=prompt, sampling=replace(chosen, seed=chosen.seed + choice))
        if chosen.seed is not None
        else replace(plain, prompt=prompt)
        for prompt in prompts
        for choice in range(options.n or 1)
    ]


def chat_requests(request: schema.ChatRequest, defaults: SamplingSettings) -> list[GenerateRequest]:
    """Return one native request per choice; raise InvalidRequest for what llmd cannot do."""
    if request.response_format and request.response_format.type != "text":
        raise InvalidRequest(
            f"response_format {request.response_format.type} is not available.",
            hint='Leave it out or send {"type": "text"}.',
            param="response_format",
        )
    if request.tool_choice not in (None, "auto", "none"):  # a dict fits in no set
        raise InvalidRequest(
            "tool_choice can be auto or none; forcing a tool is not available.", param="tool_choice"
        )
    messages = [_message(message, index) for index, message in enumerate(request.messages)]
    tools = request.tools if request.tools and request.tool_choice != "none" else []
    prompt = ChatPrompt(messages, tools, request.chat_template_kwargs or {})
    if request.top_logprobs is not None and not request.logprobs:
        raise InvalidRequest("top_logprobs needs logprobs to be true.", param="top_logprobs")
    logprobs = (request.top_logprobs or 0) if request.logprobs else None
    limit = request.max_completion_tokens or request.max_tokens
    return _requests(request, [prompt], defaults, limit, logprobs)


def _message(message: schema.Message, index: int) -> dict[str, Any]:
    if isinstance(message.content, list):
        for place, part in enumerate(message.content):
            if part.type != "text":
                raise InvalidRequest(
                    f"This model reads text only, not {part.type}.", param=f"messages[{index}].content[{place}]"
                )
    elif message.content is None and message.role != "assistant":
        raise InvalidRequest("A message needs content.", param=f"messages[{index}].content")
    plain: dict[str, Any] = msgspec.to_builtins(message)
    plain.setdefault("content", None)
    if plain["role"] == "developer":  # OpenAI's newer word for it; templates know the older one
        plain["role"] = "system"
    return plain


def completion_requests(request: schema.CompletionRequest, defaults: SamplingSettings) -> list[GenerateRequest]:
    """Return one native request per prompt and choice; raise InvalidRequest for what llmd cannot do."""
    if request.suffix:
        raise InvalidRequest("suffix (fill in the middle) is not available.", hint="Leave it out.", param="suffix")
    if request.best_of is not None and request.best_of != (request.n or 1):
        raise InvalidRequest("best_of other than n is not available.", hint="Leave it out.", param="best_of")
    return _requests(request, prompts(request.prompt), defaults, request.max_tokens, request.logprobs)


def prompts(value: str | list[str | int | list[int]]) -> list[Prompt]:
    """Return the prompts of a completion request: a text, texts, tokens, or lists of tokens."""
    if isinstance(value, str):
        return [TextPrompt(value)]
    items = _uniform(value, "prompt")
    return [TextPrompt(item) if isinstance(item, str) else TokenPrompt(item) for item in items]


def _uniform(value: list[str | int | list[int]], param: str) -> list[str | list[int]]:
    """Read a list as one list of tokens, or as several inputs of one kind."""
    if value and all(isinstance(item, int) for item in value):
        return [[item for item in value if isinstance(item, int)]]
    items = [item for item in value if not isinstance(item, int)]
    if not items or len(items) < len(value) or len({type(item) for item in items}) > 1:
        raise InvalidRequest(f"{param} is a text, a list of texts, or a list of token ids.", param=param)
    if len(items) > _MAX_PROMPTS and param == "prompt":
        raise InvalidRequest(f"{param} holds more than {_MAX_PROMPTS} prompts.", param=param)
    return items


def embed_request(request: schema.EmbeddingRequest) -> EmbedRequest:
    """Return the native request."""
    value = request.input
    inputs: list[str | list[int]] = [value] if isinstance(value, str) else _uniform(value, "input")
    return EmbedRequest(inputs, truncate=bool(request.truncate))


def embedding_list(
    request: schema.EmbeddingRequest, model: ModelManifest, result: native.Embeddings
) -> schema.EmbeddingList:
    """Return the vectors in the form asked for; shorter ones are cut and normalised again (Matryoshka)."""
    if request.dimensions and request.dimensions > result.width:
        raise InvalidRequest(f"This model's vectors have {result.width} dimensions.", param="dimensions")
    data = []
    for index, raw in enumerate(result.vectors):
        vector = np.frombuffer(raw, "<f4")[: request.dimensions]
        if request.dimensions:
            vector = vector / (np.linalg.norm(vector) or 1)
        if request.encoding_format == "base64":
            data.append(schema.Embedding(index, base64.b64encode(vector.astype("<f4").tobytes()).decode()))
        else:
            data.append(schema.Embedding(index, vector.tolist()))
    return schema.EmbeddingList(data, model.name, schema.EmbeddingUsage(result.tokens, result.tokens))


def usage(parts: list[native.Usage], choices: int) -> schema.Usage:
    """Return the figures of all choices; the prompt of several choices counts once."""
    prompts_read = parts[::choices]
    prompt = sum(part.prompt_tokens for part in prompts_read)
    completion = sum(part.completion_tokens for part in parts)
    dropped = sum(part.dropped_tokens for part in parts)
    slowest = max(parts, key=lambda part: part.queue_seconds + part.prefill_seconds + part.decode_seconds)
    return schema.Usage(
        prompt_tokens=prompt,
        completion_tokens=completion,
        total_tokens=prompt + completion,
        prompt_tokens_details=schema.PromptTokensDetails(sum(part.cached_tokens for part in prompts_read)),
        dropped_tokens=dropped or UNSET,
        timings=schema.Timings(
            queue_seconds=round(slowest.queue_seconds, 4),
            prefill_seconds=round(slowest.prefill_seconds, 4),
            decode_seconds=round(slowest.decode_seconds, 4),
        ),
    )


def _token(item: native.TokenLogprob) -> schema.TokenLogprob:
    top = [schema.TopLogprob(_text(piece), round(logprob, 6), list(piece)) for _, piece, logprob in item.top]
    return schema.TokenLogprob(_text(item.piece), round(item.logprob, 6), list(item.piece), top)


def _text(piece: bytes) -> str:
    return piece.decode("utf-8", "replace")


def chat_logprobs(items: list[native.TokenLogprob]) -> schema.ChatLogprobs | None:
    """Return log-probabilities as chat completions show them."""
    return schema.ChatLogprobs([_token(item) for item in items]) if items else None


def text_logprobs(items: list[native.TokenLogprob], offset: int) -> schema.TextLogprobs | None:
    """Return log-probabilities as plain completions show them; `offset`: characters before the first token."""
    if not items:
        return None
    texts = [_text(item.piece) for item in items]
    offsets = []
    for text in texts:
        offsets.append(offset)
        offset += len(text)
    top = [{_text(piece): round(logprob, 6) for _, piece, logprob in item.top} for item in items]
    return schema.TextLogprobs(texts, [round(item.logprob, 6) for item in items], top, offsets)


class Envelope:
    """What every object of one answer has in common."""

    def __init__(self, kind: str, model: str, *, chunk: bool) -> None:
        prefix = "chatcmpl" if kind == "chat.completion" else "cmpl"
        self._id = f"{prefix}-{uuid.uuid4().hex}"
        self._object = f"{kind}.chunk" if chunk and kind == "chat.completion" else kind
        self._created = int(time.time())
        self._model = model

    def completion(
        self,
        choices: list[schema.ChatChoice] | list[schema.ChatChunkChoice] | list[schema.TextChoice],
        figures: schema.Usage | None | UnsetType = UNSET,
    ) -> schema.Completion:
        """Return one object."""
        return schema.Completion(
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
    )


class _Choice:
    """One answer as far as it has come."""

    def __init__(self) -> None:
        self.text = ""
        self.logprobs: list[native.TokenLogprob] = []
        self.reason: str | None = None
        self.usage = native.Usage()


class Answer(ABC):
    """Gathers the events of one request and gives them out whole or as chunks.

    Take every event first; then `whole` once all choices finished, or `opening`, `chunks` for each event, and `closing`.
    """

    kind: ClassVar[str]

    def __init__(self, model: str, count: int, asked: schema.Options) -> None:
        self._choices = [_Choice() for _ in range(count)]
        self._per_prompt = asked.n or 1
        self._envelope = Envelope(self.kind, model, chunk=bool(asked.stream))
        self._shows_usage = bool(asked.stream_options and asked.stream_options.include_usage)

    def take(self, index: int, event: native.Event) -> None:
        """Add one event of one choice."""
        choice = self._choices[index]
        if isinstance(event, native.Delta):
            choice.text += event.text
            choice.logprobs += event.logprobs
        elif isinstance(event, native.Finished):
            choice.reason = str(event.reason)
            choice.usage = event.usage

    def whole(self) -> schema.Completion:
        """Return the complete object."""
        return self._envelope.completion(self._finished(), self._usage())

    def opening(self) -> list[schema.Completion]:
        """Return what a stream starts with."""
        return []

    def chunks(self, index: int, event: native.Event) -> list[schema.Completion]:
        """Return what one event adds to a stream."""
        if not isinstance(event, native.Delta | native.Finished):
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
            schema.ChatChunkChoice(index, schema.ChatDelta("assistant", "")) for index in range(len(self._choices))
        ]
        return [self._envelope.completion(choices, None if self._shows_usage else UNSET)]

    def _finished(self) -> list[schema.ChatChoice]:
        return [
            schema.ChatChoice(
                index, schema.ChatMessage(choice.text), choice.reason or "stop", chat_logprobs(choice.logprobs)
            )
            for index, choice in enumerate(self._choices)
        ]

    def _piece(self, index: int, event: native.Delta | native.Finished) -> list[schema.ChatChunkChoice]:
        if isinstance(event, native.Finished):
            return [schema.ChatChunkChoice(index, schema.ChatDelta(), str(event.reason))]
        delta = schema.ChatDelta(content=event.text)
        return [schema.ChatChunkChoice(index, delta, logprobs=chat_logprobs(event.logprobs))]


class TextAnswer(Answer):
    """The answer to a plain completion; `echo` puts the prompt in front of the first text."""

    kind = "text_completion"

    def __init__(self, model: str, count: int, asked: schema.CompletionRequest) -> None:
        super().__init__(model, count, asked)
        self._echoes = [""] * count
        if asked.echo:
            texts = [prompt.text if isinstance(prompt, TextPrompt) else "" for prompt in prompts(asked.prompt)]
            self._echoes = [text for text in texts for _ in range(self._per_prompt)]

    def opening(self) -> list[schema.Completion]:
        """Echo the prompts, if that was asked for."""
        echoed = [schema.TextChoice(index, text) for index, text in enumerate(self._echoes) if text]
        return [self._envelope.completion(echoed, None if self._shows_usage else UNSET)] if echoed else []

    def _finished(self) -> list[schema.TextChoice]:
        return [
            schema.TextChoice(
                index,
                self._echoes[index] + choice.text,
                choice.reason,
                text_logprobs(choice.logprobs, len(self._echoes[index])),
            )
            for index, choice in enumerate(self._choices)
        ]

    def _piece(self, index: int, event: native.Delta | native.Finished) -> list[schema.TextChoice]:
        if isinstance(event, native.Finished):
            return [schema.TextChoice(index, "", str(event.reason))]
        before = len(self._echoes[index]) + len(self._choices[index].text) - len(event.text)
        return [schema.TextChoice(index, event.text, logprobs=text_logprobs(event.logprobs, before))]
