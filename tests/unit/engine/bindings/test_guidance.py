"""A vocabulary's trie through the bindings."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import pytest

from llmd.engine.bindings import Model, Vocab
from llmd.engine.bindings.guidance import guide, marked
from llmd.errors import ConstraintRefused


def test_the_trie_holds_every_token_and_ends_as_the_model_does(model: Model) -> None:
    vocab = model.vocab
    trie = guide(vocab)
    assert trie.vocab_size == vocab.size
    assert trie.eos_token == vocab.eos
    assert set(trie.eos_tokens) == vocab.end_tokens
    text = "Hello 世界 🎉!\n"
    assert trie.tokenize_str(text) == vocab.tokenize(text, add_special=False, parse_special=False)
    plain = [token for token in range(vocab.size) if vocab.piece(token) not in {b"", b"\xff"}]
    assert trie.decode_bytes(plain) == b"".join(vocab.piece(token) for token in plain)


def test_control_tokens_are_known_by_name_and_are_no_text(model: Model) -> None:
    trie = guide(model.vocab)
    (start,) = model.vocab.tokenize("<|im_start|>", add_special=False, parse_special=True)
    assert marked(model.vocab, start) == b"\xff<|im_start|>"
    (letter,) = model.vocab.tokenize("a", add_special=False, parse_special=True)
    assert marked(model.vocab, letter) == b"a"
    assert trie.is_special_token(start)
    assert len(trie.tokenize_str("<|im_start|>")) > 1
    assert not any(trie.is_special_token(token) for token in trie.tokenize_str("plain text"))


def test_a_model_without_end_tokens_is_refused() -> None:
    with pytest.raises(ConstraintRefused, match="no end token"):
        guide(cast("Vocab", SimpleNamespace(end_tokens=frozenset(), size=3)))
