"""A vocabulary as llguidance sees it: token bytes in a trie, control tokens apart from text.

llguidance can do this by itself (`llguidance.llamacpp`), but calls a function of llama.cpp's that
is deprecated and warns once a token.
"""

from __future__ import annotations

import ctypes

import llama_cpp.llama_cpp as lib
from llguidance import LLTokenizer

from llmd.engine.bindings.vocab import Vocab
from llmd.errors import ConstraintRefused

_SPECIAL = b"\xff"
"""Marks a token that grammars name as `<...>`; no text has this byte."""


def guide(vocab: Vocab) -> LLTokenizer:
    """Return the trie of a vocabulary; at 152k tokens it takes 0.8 s to build and 55 MB to keep, so
    make it once, and only when a constraint is asked for. Raise ConstraintRefused where a model has
    no token to end an answer with.
    """
    if not vocab.end_tokens:
        raise ConstraintRefused("This model has no end token, so no form can be kept to.")
    tokenize = ctypes.cast(lib._lib.llama_tokenize, ctypes.c_void_p).value  # noqa: SLF001  an address
    tokenizer: LLTokenizer = LLTokenizer.from_llamacpp(  # type: ignore[attr-defined]  # not in its stubs
        tokens=[marked(vocab, token) for token in range(vocab.size)],
        vocab_ptr=vocab.pointer,
        tokenize_fptr=tokenize,
        eos_token=sorted(vocab.end_tokens, key=lambda token: token != vocab.eos),
        slices=None,
    )
    return tokenizer


def marked(vocab: Vocab, token: int) -> bytes:
    """Return a token's bytes, with the byte 0xFF in front where they are its name and no text."""
    piece = vocab.piece(token, special=True)
    attributes = lib.llama_vocab_get_attr(vocab.pointer, token)
    named = piece.startswith(b"<") and piece.endswith(b">")
    if attributes & lib.LLAMA_TOKEN_ATTR_CONTROL:
        return _SPECIAL + piece
    if attributes & lib.LLAMA_TOKEN_ATTR_USER_DEFINED and named:
        return _SPECIAL + piece
    return b"" if piece.startswith(_SPECIAL) else piece
