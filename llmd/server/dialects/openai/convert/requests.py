"""OpenAI requests to native ones. Pure."""

from __future__ import annotations

from typing import Any

import msgspec

from llmd.config.settings import SamplingSettings
from llmd.errors import InvalidRequest
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
                    f"This model reads text only, not {part.type}.",
                    param=f"messages[{index}].content[{place}]",
                )
    elif message.content is None and message.role != "assistant":
        raise InvalidRequest("A message needs content.", param=f"messages[{index}].content")
    plain: dict[str, Any] = msgspec.to_builtins(message)
    plain.setdefault("content", None)
    if plain["role"] == "developer":  # OpenAI's newer word for it; templates know the older one
        plain["role"] = "system"
    return plain


def completion_requests(
    request: schema.CompletionRequest, defaults: SamplingSettings
) -> list[GenerateRequest]:
    """Return one native request per prompt and choice; raise InvalidRequest for what llmd cannot
    do.
    """
    if request.suffix:
        raise InvalidRequest(
            "suffix (fill in the middle) is not available.", hint="Leave it out.", param="suffix"
        )
    if request.best_of is not None and request.best_of != (request.n or 1):
        raise InvalidRequest(
            "best_of other than n is not available.", hint="Leave it out.", param="best_of"
        )
    return _requests(
        request, prompts(request.prompt), defaults, request.max_tokens, request.logprobs
    )


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
        raise InvalidRequest(
            f"{param} is a text, a list of texts, or a list of token ids.", param=param
        )
    if len(items) > _MAX_PROMPTS and param == "prompt":
        raise InvalidRequest(f"{param} holds more than {_MAX_PROMPTS} prompts.", param=param)
    return items


def embed_request(request: schema.EmbeddingRequest) -> EmbedRequest:
    """Return the native request."""
    value = request.input
    inputs: list[str | list[int]] = [value] if isinstance(value, str) else _uniform(value, "input")
    return EmbedRequest(inputs, truncate=bool(request.truncate))
