"""Files that go with a prompt: text to read, pictures to look at, a schema for the answer."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from llmd.errors import InvalidRequest
from llmd.protocol.pictures import KINDS, data_url

_LARGEST_TEXT = 8 * 2**20


def texts(files: Sequence[Path]) -> str:
    """Return the text of files, each under its name where there are several; raise InvalidRequest
    for what is no text, OSError for what cannot be read.
    """
    if len(files) == 1:
        return _text(files[0]).rstrip("\n")
    return "\n\n".join(f"{file.name}:\n{_text(file)}".rstrip("\n") for file in files)


def content(prompt: str, pictures: Sequence[Path]) -> str | list[dict[str, Any]]:
    """Return a message's content: the pictures, then the prompt; a text alone where there are
    none.
    """
    if not pictures:
        return prompt
    parts: list[dict[str, Any]] = [
        {"type": "image_url", "image_url": {"url": _picture(file)}} for file in pictures
    ]
    return [*parts, {"type": "text", "text": prompt}] if prompt else parts


def schema(file: Path | None) -> dict[str, Any] | None:
    """Return the `response_format` of a file with a JSON schema; raise InvalidRequest for another
    one.
    """
    if file is None:
        return None
    import msgspec

    try:
        found = msgspec.json.decode(_text(file))
    except msgspec.DecodeError as error:
        raise InvalidRequest(f"{file} is no JSON: {error}.", hint="Give a JSON schema.") from error
    if not isinstance(found, dict):
        raise InvalidRequest(f"{file} is no JSON schema.", hint="It must be an object.")
    return {"type": "json_schema", "json_schema": {"name": "answer", "schema": found}}


def _text(file: Path) -> str:
    if file.stat().st_size > _LARGEST_TEXT:
        raise InvalidRequest(
            f"{file} is larger than any context.", hint="Give the part that matters."
        )
    data = file.read_bytes()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidRequest(
            f"{file} is no text in UTF-8.", hint="Pictures go with --image, in a chat with /image."
        ) from error
    if "\0" in text:
        raise InvalidRequest(f"{file} is no text.", hint="Pictures go with --image.")
    return text


def _picture(file: Path) -> str:
    """Return a picture as a data URL."""
    url = data_url(file.read_bytes())
    if not url:
        raise InvalidRequest(f"{file} is no picture that is known.", hint=f"Give {KINDS}.")
    return url
