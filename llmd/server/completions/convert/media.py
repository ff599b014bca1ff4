"""Pictures and sounds of OpenAI messages: found, unpacked, and put into native requests. Pure.

A data URL is unpacked here, a picture at another URL is fetched by the route between `sources` and
`attached`. In the native messages a part is left that says which of the prompt's media it was.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from llmd.config.settings import MediaSettings
from llmd.errors import InvalidRequest
from llmd.protocol.models import Medium, ModelManifest
from llmd.protocol.requests import ChatPrompt, GenerateRequest
from llmd.server.completions import schema

_FORMATS = ("wav", "mp3", "flac")
# of all media of a request, once for each of its choices: they travel to the worker in one frame
_MOST_BYTES = 192 * 2**20


@dataclass(frozen=True, slots=True)
class Source:
    """One picture or sound of a request: its bytes, or the URL to fetch it from."""

    where: str
    """As in `messages[0].content[1]`."""
    medium: Medium
    data: bytes = b""
    url: str = ""


def sources(request: schema.ChatRequest, limits: MediaSettings) -> list[Source]:
    """Return all media in order; raise InvalidRequest for what is malformed or too much."""
    found: list[Source] = []
    for where, part in _parts(request):
        source = _source(where, part, limits)
        if source is None:
            continue
        if len(found) == limits.max_items:
            raise InvalidRequest(
                f"The request holds more than {limits.max_items} pictures and sounds.",
                hint="Send fewer, or raise media.max_items.",
                param=where,
            )
        found.append(source)
    return found


def check(found: Sequence[Source], model: ModelManifest) -> None:
    """Raise InvalidRequest for the first part that a model cannot take in."""
    for source in found:
        if source.medium not in model.media:
            what = "pictures" if source.medium is Medium.IMAGE else "sounds"
            raise InvalidRequest(
                f"{source.where} is not for {model.name}: it takes no {what}.",
                hint="A model that does has a projector: llmd import MODEL.gguf --mmproj FILE.",
                param=source.where,
            )


def attached(requests: Sequence[GenerateRequest], media: Sequence[bytes]) -> list[GenerateRequest]:
    """Return native requests with their media; raise InvalidRequest when they are too large
    together.
    """
    if sum(map(len, media)) * len(requests) > _MOST_BYTES:
        raise InvalidRequest(
            f"The media of all choices together have more than {_MOST_BYTES} bytes.",
            hint="Send smaller media, or a smaller n.",
            param="messages",
        )
    return [
        msgspec.structs.replace(
            request, prompt=msgspec.structs.replace(request.prompt, media=list(media))
        )
        if isinstance(request.prompt, ChatPrompt)
        else request
        for request in requests
    ]


def numbered(messages: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return messages whose media parts say which of the prompt's media they are."""
    count = 0
    result = []
    for message in messages:
        content = message.get("content")
        if isinstance(content, list):
            parts = []
            for part in content:
                medium = _MEDIA.get(part["type"])
                parts.append({"type": str(medium), "media": count} if medium else part)
                count += medium is not None
            message = {**message, "content": parts}  # noqa: PLW2901  the message to keep
        result.append(message)
    return result


_MEDIA = {"image_url": Medium.IMAGE, "input_audio": Medium.AUDIO}


def _parts(request: schema.ChatRequest) -> Iterator[tuple[str, schema.Part]]:
    for row, message in enumerate(request.messages):
        if isinstance(message.content, list):
            for column, part in enumerate(message.content):
                yield f"messages[{row}].content[{column}]", part


def _source(where: str, part: schema.Part, limits: MediaSettings) -> Source | None:
    if part.type == "image_url":
        return picture(where, part.image_url, limits)
    if part.type == "input_audio":
        return _sound(where, part.input_audio, limits)
    return None


def picture(where: str, image: schema.ImageUrl | str | None, limits: MediaSettings) -> Source:
    """Return a picture; raise InvalidRequest for what names none, or is too large."""
    url = image.url if isinstance(image, schema.ImageUrl) else image
    if not url:
        raise InvalidRequest(f"{where} has no image_url.url.", param=where)
    scheme, _, rest = url.partition(":")
    if scheme.lower() in {"http", "https"}:
        return Source(where, Medium.IMAGE, url=url)
    described, comma, text = rest.partition(",")
    if scheme.lower() != "data" or not comma or not described.lower().endswith(";base64"):
        raise InvalidRequest(
            f"{where} has an image_url that is neither a data URL nor http(s).",
            hint='Send "data:image/png;base64,..." with the bytes of the file.',
            param=where,
        )
    return Source(where, Medium.IMAGE, _unpacked(text, where, limits))


def _sound(where: str, sound: schema.InputAudio | None, limits: MediaSettings) -> Source:
    if sound is None:
        raise InvalidRequest(f"{where} has no input_audio.", param=where)
    if sound.format is not None and sound.format.lower() not in _FORMATS:
        raise InvalidRequest(
            f"{where} is {sound.format[:20]}, which cannot be heard.",
            hint=f"Send one of {', '.join(_FORMATS)}.",
            param=where,
        )
    return Source(where, Medium.AUDIO, _unpacked(sound.data, where, limits))


def _unpacked(text: str, where: str, limits: MediaSettings) -> bytes:
    """Decode base64; line breaks in it and missing padding are forgiven."""
    if len(text) > 2 * limits.max_bytes:
        raise too_large(where, limits)
    packed = "".join(text.split())
    try:
        data = base64.b64decode(packed + "=" * (-len(packed) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidRequest(
            f"{where} is not valid base64: {error}.",
            hint="Encode the bytes of the file with the standard alphabet.",
            param=where,
        ) from error
    if len(data) > limits.max_bytes:
        raise too_large(where, limits)
    if not data:
        raise InvalidRequest(f"{where} is empty.", param=where)
    return data


def too_large(where: str, limits: MediaSettings) -> InvalidRequest:
    """Return the refusal of a file over the limit."""
    return InvalidRequest(
        f"{where} has more than {int(limits.max_bytes)} bytes.",
        hint="Send a smaller file, or raise media.max_bytes.",
        param=where,
    )
