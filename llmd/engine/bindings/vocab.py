"""Text to tokens and back."""

from __future__ import annotations

import ctypes
from typing import Any

import llama_cpp.llama_cpp as lib


class Vocab:
    """Text to tokens and back; safe to use from several threads."""

    def __init__(self, pointer: Any) -> None:
        self._p = self.pointer = pointer
        self.kind: int = lib.llama_vocab_type(pointer)
        """llama_vocab_type: SPM, BPE, WPM..."""
        self.size: int = lib.llama_vocab_n_tokens(pointer)
        self.bos: int = lib.llama_vocab_bos(pointer)
        self.eos: int = lib.llama_vocab_eos(pointer)
        self.adds_bos: bool = lib.llama_vocab_get_add_bos(pointer)
        self.adds_eos: bool = lib.llama_vocab_get_add_eos(pointer)
        self.adds_sep: bool = lib.llama_vocab_get_add_sep(pointer)
        self.sep: int = lib.llama_vocab_sep(pointer)
        self.infill = (
            lib.llama_vocab_fim_pre(pointer),
            lib.llama_vocab_fim_suf(pointer),
            lib.llama_vocab_fim_mid(pointer),
        )
        """Tokens before the prefix, before the suffix and before the middle; -1 where it has none.
        """
        self.end_tokens = frozenset(
            t for t in range(self.size) if lib.llama_vocab_is_eog(pointer, t)
        )
        self._pieces: dict[int, bytes] = {}

    def tokenize(self, text: str, *, add_special: bool, parse_special: bool) -> list[int]:
        """Return the tokens of `text`; `add_special` puts BOS/EOS where the model wants them."""
        data = text.encode("utf-8", "replace")
        room = len(data) + 16
        while True:
            buffer = (lib.llama_token * room)()
            count = lib.llama_tokenize(
                self._p, data, len(data), buffer, room, add_special, parse_special
            )
            if count >= 0:
                return buffer[:count]
            room = -count

    def piece(self, token: int, *, special: bool = False) -> bytes:
        """Return the bytes of one token; control tokens are empty unless `special`."""
        if not special and token in self._pieces:
            return self._pieces[token]
        room = 64
        while True:
            buffer = ctypes.create_string_buffer(room)
            count = lib.llama_token_to_piece(self._p, token, buffer, room, 0, special)
            if count >= 0:
                break
            room = -count
        if not special:
            self._pieces[token] = buffer.raw[:count]
        return buffer.raw[:count]

    def text(self, token: int) -> str:
        """Return a token as the vocabulary spells it, which is not the text it stands for."""
        spelt: bytes = lib.llama_vocab_get_text(self._p, token)
        return spelt.decode("utf-8", "replace")

    def is_control(self, text: str) -> bool:
        """Whether `text` is one single token of this vocabulary, as chat markers are."""
        return len(self.tokenize(text, add_special=False, parse_special=True)) == 1
