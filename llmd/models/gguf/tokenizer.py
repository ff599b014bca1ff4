"""What a header tells of the tokenizer; texts of special tokens are read from the file one by one,
since the vocabulary is never kept.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

import msgspec

from llmd.errors import CorruptFile
from llmd.models.gguf.cursor import MOST_BYTES, STRIDE, Cursor, ShortRead
from llmd.models.gguf.fields import Fields, whole
from llmd.models.gguf.header import ArraySummary, Header, open_model

_TOKENS = "tokenizer.ggml.tokens"
_ID_KEY = ("tokenizer.ggml.", "_token_id")
_FIRST_READ = 2**16
_READ_GROWTH = 8
_LONGEST = 2**16


class Token(msgspec.Struct, frozen=True):
    """A special token."""

    id: int
    text: str
    """Empty: the vocabulary has no such token."""


class Tokenizer(msgspec.Struct, frozen=True, kw_only=True):
    """How a model's text becomes tokens."""

    model: str = ""
    """`gpt2` (byte-pair encoding), `llama` (SentencePiece), `bert` (WordPiece), `t5`, `rwkv`..."""
    pre: str = ""
    """How text is split before, such as `qwen2`."""
    size: int = 0
    """Tokens."""
    merges: int = 0
    special: dict[str, Token] = {}
    """By what they are for: `bos`, `eos`, `eot`, `padding`..."""
    adds_bos: bool | None = None
    """None: as its kind does."""
    adds_eos: bool | None = None


def tokenizer_of(header: Header, path: Path) -> Tokenizer:
    """Return the tokenizer of a model whose (first) header was read from `path`; raise CorruptFile,
    or OSError when the file cannot be read again.
    """
    fields = Fields(header.values, "tokenizer.ggml")
    before, behind = _ID_KEY
    ids = {
        key.removeprefix(before).removesuffix(behind): value
        for key, value in header.values.items()
        if key.startswith(before) and key.endswith(behind) and isinstance(value, int)
    }
    texts = texts_at(path, header.values.get(_TOKENS), ids.values())
    return Tokenizer(
        model=fields.text("model"),
        pre=fields.text("pre"),
        size=fields.count(_TOKENS),
        merges=fields.count("tokenizer.ggml.merges"),
        special={use: Token(whole(number), texts.get(number, "")) for use, number in ids.items()},
        adds_bos=_flag(header, "tokenizer.ggml.add_bos_token"),
        adds_eos=_flag(header, "tokenizer.ggml.add_eos_token"),
    )


def texts_at(path: Path, array: object, indexes: Iterable[int]) -> dict[int, str]:
    """Return the texts at some indexes of an array as the header has it, those that are there."""
    if isinstance(array, list):
        return {index: str(array[index]) for index in indexes if 0 <= index < len(array)}
    if not isinstance(array, ArraySummary) or array.type != "string":
        return {}
    wanted = {index for index in indexes if 0 <= index < array.count}
    if not wanted:
        return {}
    with open_model(path) as file:
        return {index: _text_at(file, array, index) for index in sorted(wanted)}


def _text_at(file: BinaryIO, array: ArraySummary, index: int) -> str:
    mark = array.marks[index // STRIDE]
    left = max(0, os.fstat(file.fileno()).st_size - mark)
    wanted = _FIRST_READ
    while True:
        file.seek(mark)
        data = file.read(min(wanted, left))
        cursor = Cursor(data, left)
        try:
            cursor.skip_texts(index % STRIDE)
            return cursor.text(_LONGEST)
        except ShortRead:
            if wanted >= min(left, MOST_BYTES):
                raise CorruptFile("it changed while it was read", hint="Try again.") from None
            wanted *= _READ_GROWTH


def _flag(header: Header, key: str) -> bool | None:
    value = header.values.get(key)
    return value if isinstance(value, bool) else None
