"""A picture to a conversation about it, and what the model says to the objects it sees. Pure.

The answer is held to a JSON Schema with bounds on everything, so that it parses whatever the model
is like, and ends.
"""

from __future__ import annotations

import base64
import json
from typing import Any

import msgspec

from llmd.errors import ContextOverflow, InvalidRequest
from llmd.server.completions import schema as completions
from llmd.server.dialects.caiqitalk.schema import FoundObject, Recognition

_MOST_OBJECTS = 4
_LONGEST_NAME = 30
_LONGEST_DESCRIPTION = 120
_MAX_TOKENS = 2560
"""More than the longest answer takes, even where every character is four tokens."""
_THINKING = 128
"""Tokens of reasoning, for models that cannot leave it."""
_PICTURE = "messages[0].content[0]"
_LANGUAGES = {
    "ar": "Arabic",
    "de": "German",
    "en": "English",
    "es": "Spanish",
    "fr": "French",
    "it": "Italian",
    "ja": "Japanese",
    "ko": "Korean",
    "pt": "Portuguese",
    "ru": "Russian",
    "zh": "Chinese",
}
_USUAL_LANGUAGE = "zh"


def _text(longest: int) -> dict[str, Any]:
    return {"type": "string", "minLength": 1, "maxLength": longest}


def _object(**properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


_FORM = _object(
    objects={
        "type": "array",
        "minItems": 1,
        "maxItems": _MOST_OBJECTS,
        "items": _object(name=_text(_LONGEST_NAME), description=_text(_LONGEST_DESCRIPTION)),
    }
)


def language(accepted: str) -> str:
    """Return the language that descriptions are to have, by the `Accept-Language` header; Chinese,
    as documented, where it names none that is known.
    """
    offers = [offer.partition(";") for offer in accepted.lower().split(",")]
    ranked = sorted(offers, key=lambda offer: _weight(offer[2]), reverse=True)
    tags = (tag.strip().partition("-")[0] for tag, _, _ in ranked)
    return next((_LANGUAGES[tag] for tag in tags if tag in _LANGUAGES), _LANGUAGES[_USUAL_LANGUAGE])


def _weight(parameter: str) -> float:
    try:
        return float(parameter.strip().removeprefix("q="))
    except ValueError:
        return 1.0


def question(picture: bytes, model: str, words: str) -> completions.ChatRequest:
    """Return the request that has a model name what it sees, in the language `words`."""
    packed = base64.b64encode(picture).decode("ascii")
    content = [
        completions.Part(type="image_url", image_url=f"data:image/unknown;base64,{packed}"),
        completions.Part(
            type="text",
            text="Which are the main objects in this picture? Begin with the most prominent one. "
            f"Give each a short name and describe it in one sentence. Write in {words}.",
        ),
    ]
    return completions.ChatRequest(
        model=model,
        messages=[completions.Message(role="user", content=content)],
        json_schema=_FORM,
        max_tokens=_MAX_TOKENS,
        temperature=0.0,
        enable_thinking=False,
        reasoning_budget=_THINKING,
    )


def recognition(whole: completions.Completion) -> Recognition:
    """Return what a model has seen; raise ContextOverflow when its context was full before it
    described one object.
    """
    choice = whole.choices[0]
    text = choice.message.content if isinstance(choice, completions.ChatChoice) else ""
    if objects := _objects(text or ""):
        return Recognition(whole.id, objects)
    raise ContextOverflow(
        f"The context of {whole.model} was full before it had described one object.",
        hint="Send a smaller picture, or load the model with a longer context: llmd load --ctx.",
        param="image",
    )


class _Said(msgspec.Struct, frozen=True):
    """What models are held to."""

    objects: list[FoundObject]


def _objects(text: str) -> list[FoundObject]:
    try:
        return msgspec.json.decode(text, type=_Said).objects
    except msgspec.DecodeError:
        return _complete(text)


def _complete(text: str) -> list[FoundObject]:
    """Return the complete objects of an answer that was cut since the context was full."""
    decoder = json.JSONDecoder()
    found: list[FoundObject] = []
    place = text.find("[") + 1
    while place and text[place : place + 1] == "{":
        try:
            value, end = decoder.raw_decode(text, place)
        except json.JSONDecodeError:
            break
        found.append(msgspec.convert(value, FoundObject))
        place = end + 1
    return found


def renamed(error: InvalidRequest) -> InvalidRequest:
    """Return an error about the picture under the name that the picture has in the form."""
    if error.param != _PICTURE:
        return error
    return type(error)(
        error.message.replace(_PICTURE, "image"), hint=error.hint, param="image", **error.details
    )
