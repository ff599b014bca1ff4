"""Texts as tokens, tokens as text, conversations as prompts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import msgspec


class TokenizeRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /v1/tokenize`; the text has any of three names."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"model": "llmd-tiny", "content": "Paris"}
    content: str | None = None
    text: str | None = None
    prompt: str | None = None
    model: str | None = None
    add_special: bool | None = None
    parse_special: bool | None = None
    with_pieces: bool | None = None


class Piece(msgspec.Struct, frozen=True):
    """A token and its text, or its bytes where they are no text of their own."""

    id: int
    piece: str | list[int]


class TokenList(msgspec.Struct, frozen=True):
    """The answer to a tokenize request."""

    tokens: Sequence[int | Piece]
    count: int


class DetokenizeRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /v1/detokenize`."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"model": "llmd-tiny", "tokens": [72, 105]}
    tokens: list[int]
    model: str | None = None


class Content(msgspec.Struct, frozen=True):
    """The answer to a detokenize request."""

    content: str


class RenderedPrompt(msgspec.Struct, frozen=True):
    """The answer to an apply-template request."""

    prompt: str
    count: int
    """Tokens it has."""
