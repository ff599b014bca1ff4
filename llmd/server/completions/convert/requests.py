"""OpenAI requests to native ones. Pure."""

from __future__ import annotations

from typing import Any

import msgspec

from llmd.errors import InvalidRequest
from llmd.models.presets.effect import stops
from llmd.protocol.models import SamplingDefaults
from llmd.protocol.requests import (
    Adapter,
    ChatPrompt,
    GenerateRequest,
    InfillPrompt,
    Lane,
    Overflow,
    Prompt,
    Sampling,
    Speculation,
    TextPrompt,
    TokenPrompt,
)
from llmd.server.completions import schema
from llmd.server.completions.convert import fields, tools
from llmd.server.completions.convert.constraints import constraint
from llmd.server.completions.convert.media import numbered

_MAX_PROMPTS = 128
_PARTS = ("text", "image_url", "input_audio")


def sampling(options: schema.Options, defaults: SamplingDefaults) -> Sampling:
    """Return how to sample: the request's wishes over the model's defaults. Below zero, top_k means
    all tokens and a seed means any, as with llama.cpp.
    """
    names = Sampling.__struct_fields__
    wished = {name: fields.said(options, name) for name in names}
    usual = {name: getattr(defaults, name, None) for name in names}
    said = {name: usual[name] if value is None else value for name, value in wished.items()}
    chosen = Sampling(**{name: value for name, value in said.items() if value is not None})
    seed = None if (chosen.seed or 0) < 0 else chosen.seed
    return msgspec.structs.replace(chosen, top_k=max(chosen.top_k, 0), seed=seed)


def limit(options: schema.Options) -> int | None:
    """Return how many tokens the answer shall have at most, -1 for no limit; None: nothing is
    said.
    """
    asked: int | None = fields.said(options, "max_tokens")
    return asked


def _longest(options: schema.Options, defaults: SamplingDefaults) -> int | None:
    asked = limit(options)
    if asked is None:
        return defaults.max_tokens
    return asked if asked > 0 else None


def _asks_for_nothing(options: schema.Options) -> InvalidRequest:
    param = fields.named(options, "max_tokens")
    return InvalidRequest(
        f"{param} 0 asks for nothing.",
        hint="Ask for a token, or with -1 for all that fit; plain completions may echo the prompt.",
        param=param,
    )


def _requests(
    options: schema.Options,
    prompts: list[Prompt],
    defaults: SamplingDefaults,
    logprobs: int | None,
) -> list[GenerateRequest]:
    """Return one request per prompt."""
    chosen = sampling(options, defaults)
    asked = [options.stop] if isinstance(options.stop, str) else options.stop or []
    plain = GenerateRequest(
        prompt=prompts[0],
        sampling=chosen,
        max_tokens=_longest(options, defaults),
        stop=stops(defaults, asked),
        ignore_eos=bool(options.ignore_eos),
        logprobs=logprobs,
        overflow=Overflow(options.context_overflow or "error"),
        adapters=adapters(options),
        speculation=speculation(options),
        constraint=constraint(options),
        lane=lane(options),
        cache_prompt=options.cache_prompt is not False,
    )
    return [msgspec.structs.replace(plain, prompt=prompt) for prompt in prompts]


def speculation(options: schema.Options) -> Speculation:
    """Return how the answer may be guessed ahead."""
    asked = options.speculation
    if isinstance(asked, str):
        asked = schema.SpeculationOptions(asked)
    mode, longest = (asked.mode, asked.longest) if asked else ("auto", None)
    content = options.prediction.content if options.prediction else ""
    text = content if isinstance(content, str) else "".join(part.text for part in content)
    return Speculation(mode, longest, text)


def lane(options: schema.Options) -> Lane:
    """Return the lane a request waits in."""
    if options.lane:
        return Lane(options.lane)
    return Lane.BATCH if options.service_tier == "flex" else Lane.INTERACTIVE


def user(options: schema.Options) -> str | None:
    """Return whom a request is made for, if it says."""
    return options.user or options.safety_identifier or options.prompt_cache_key


def _repeated(plain: list[GenerateRequest], times: int) -> list[GenerateRequest]:
    """Return each request several times, those of one prompt next to each other. A seed makes the
    whole answer repeatable, and still its choices differ.
    """
    replace = msgspec.structs.replace
    return [
        request
        if request.sampling.seed is None
        else replace(
            request,
            sampling=replace(request.sampling, seed=request.sampling.seed + choice),
        )
        for request in plain
        for choice in range(times)
    ]


def chat_requests(request: schema.ChatRequest, defaults: SamplingDefaults) -> list[GenerateRequest]:
    """Return one native request per choice; raise InvalidRequest for what llmd cannot do."""
    fields.check(request)
    messages = numbered(
        [_message(message, index) for index, message in enumerate(request.messages)]
    )
    prompt = ChatPrompt(
        messages,
        tools.tools(request),
        tools.template_arguments(request),
        tools.choice(request),
        tools.reasoning(request),
        continue_final_message=_continuing(request),
    )
    if request.top_logprobs is not None and not request.logprobs:
        raise InvalidRequest("top_logprobs needs logprobs to be true.", param="top_logprobs")
    logprobs = (request.top_logprobs or 0) if request.logprobs else None
    if limit(request) == 0:
        raise _asks_for_nothing(request)
    return _repeated(_requests(request, [prompt], defaults, logprobs), request.n or 1)


def _continuing(request: schema.ChatRequest) -> bool | None:
    """Return whether the answer goes on with the last message; raise InvalidRequest where it cannot
    but must. Where it must be a call or of a form, it does so only if asked to.
    """
    asked = request.continue_final_message
    if tools.choice(request).mode in {"required", "named"}:
        if asked:
            raise InvalidRequest(
                "A call that must come begins a message of its own.",
                hint="Leave out continue_final_message or tool_choice.",
                param="continue_final_message",
            )
        return False
    return False if asked is None and constraint(request) else asked


def _message(message: schema.Message, index: int) -> dict[str, Any]:
    if isinstance(message.content, list):
        for place, part in enumerate(message.content):
            if part.type not in _PARTS:
                raise InvalidRequest(
                    f"There are no parts of type {part.type[:50]}.",
                    hint=f"Send one of {', '.join(_PARTS)}.",
                    param=f"messages[{index}].content[{place}]",
                )
    elif message.content is None and message.role != "assistant":
        raise InvalidRequest("A message needs content.", param=f"messages[{index}].content")
    plain: dict[str, Any] = msgspec.to_builtins(message)
    plain.setdefault("content", None)
    if plain["role"] == "developer":  # OpenAI's newer word for it; templates know the older one
        plain["role"] = "system"
    for place, call in enumerate(plain.get("tool_calls") or []):
        call["id"] = call["id"] or f"call_{index}_{place}"  # some templates insist on one
        call["function"]["arguments"] = call["function"]["arguments"] or "{}"
    return plain


def completion_requests(
    request: schema.CompletionRequest, defaults: SamplingDefaults
) -> list[GenerateRequest]:
    """Return one native request per prompt and choice; raise InvalidRequest for what llmd cannot
    do.
    """
    fields.check(request)
    _check_choices(request)
    asked = prompts(request)
    if limit(request) == 0:
        if not request.echo:
            raise _asks_for_nothing(request)
        return []
    # the best answers are chosen by the log-probabilities of their tokens
    logprobs = request.logprobs
    if logprobs is None and choices(request) > (request.n or 1):
        logprobs = 0
    plain = _requests(request, asked, defaults, logprobs)
    return _repeated(plain, choices(request))


def choices(request: schema.CompletionRequest) -> int:
    """Return how many answers are generated to each prompt."""
    return request.best_of or request.n or 1


def _check_choices(request: schema.CompletionRequest) -> None:
    wanted = request.n or 1
    if choices(request) < wanted:
        raise InvalidRequest("best_of is less than n.", param="best_of")
    if request.stream and choices(request) > wanted:
        raise InvalidRequest(
            "The best of several answers is known only when all are complete.",
            hint="Leave out best_of or stream.",
            param="best_of",
        )
    if request.suffix and request.echo and request.logprobs is not None:
        raise InvalidRequest(
            "echo shows no logprobs of a prompt with a suffix.",
            hint="Leave out one of the three.",
            param="echo",
        )


def prompts(request: schema.CompletionRequest) -> list[Prompt]:
    """Return the prompts of a completion request: a text, texts, tokens, or lists of tokens; with a
    suffix, what lies before the gap.
    """
    value = request.prompt
    items = [value] if isinstance(value, str) else uniform(value, "prompt")
    if not request.suffix:  # empty means the same as none, for clients that always send one
        return [TextPrompt(item) if isinstance(item, str) else TokenPrompt(item) for item in items]
    texts = [item for item in items if isinstance(item, str)]
    if len(texts) < len(items):
        raise InvalidRequest(
            "With a suffix the prompt is text.", hint="Send no token ids.", param="prompt"
        )
    return [InfillPrompt(text, request.suffix) for text in texts]


def adapters(options: schema.Options) -> list[Adapter] | None:
    """Return the adapters a request names; None when it says nothing about them."""
    given = options.lora if options.adapters is None else options.adapters
    if given is None:
        return None
    named = []
    for item in given:
        name = item.id if item.name is None else item.name
        if name is None:
            raise InvalidRequest("An adapter needs a name.", param="adapters")
        named.append(Adapter(str(name), item.scale))
    return named


def uniform(value: list[str | int | list[int]], param: str) -> list[str | list[int]]:
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
