"""Tokenise, detokenise and apply a chat template, with llama-server's fields. Pure."""

from __future__ import annotations

from llmd.errors import InvalidRequest
from llmd.protocol.questions import Detokenize, Rendered, Tokenize, Tokens
from llmd.server.dialects.openai import schema


def tokenize(request: schema.TokenizeRequest) -> Tokenize:
    """Return the native question; the text may be called content, text or prompt."""
    for text in (request.content, request.text, request.prompt):
        if text is not None:
            parse = True if request.parse_special is None else request.parse_special
            return Tokenize(text, bool(request.add_special), parse)
    raise InvalidRequest("There is no text.", hint='Send "content".', param="content")


def token_list(request: schema.TokenizeRequest, found: Tokens) -> schema.TokenList:
    """Return the ids, or with `with_pieces` each with its text: bytes where it is no whole
    text.
    """
    if not request.with_pieces:
        return schema.TokenList(found.tokens, len(found.tokens))
    pieces = [
        schema.Piece(token, _piece(piece))
        for token, piece in zip(found.tokens, found.pieces, strict=True)
    ]
    return schema.TokenList(pieces, len(pieces))


def _piece(piece: bytes) -> str | list[int]:
    try:
        return piece.decode()
    except UnicodeDecodeError:
        return list(piece)


def detokenize(request: schema.DetokenizeRequest) -> Detokenize:
    """Return the native question."""
    return Detokenize(request.tokens)


def content(found: Tokens) -> schema.Content:
    """Return the text of tokens; bytes that are no text become U+FFFD."""
    return schema.Content(b"".join(found.pieces).decode("utf-8", "replace"))


def prompt(found: Rendered) -> schema.RenderedPrompt:
    """Return a rendered conversation."""
    return schema.RenderedPrompt(found.text, found.tokens)
