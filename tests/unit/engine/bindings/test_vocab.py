"""Text to tokens and back through the bindings."""

from __future__ import annotations

from llmd.engine.bindings import Model


def test_vocabulary_round_trip(model: Model) -> None:
    vocab = model.vocab
    text = "Hello 世界 🎉!\n"
    tokens = vocab.tokenize(text, add_special=True, parse_special=False)
    assert b"".join(vocab.piece(token) for token in tokens).decode() == text
    assert vocab.size == 4096
    assert not vocab.adds_bos
    end = vocab.tokenize("<|im_end|>", add_special=False, parse_special=True)
    assert end == [vocab.eos]
    assert vocab.eos in vocab.end_tokens
    assert vocab.piece(vocab.eos) == b""
    assert vocab.piece(vocab.eos, special=True) == b"<|im_end|>"
    assert vocab.is_control("<|im_start|>")
    assert not vocab.is_control("<|nonsense|>")
    assert len(vocab.tokenize("<|im_end|>", add_special=False, parse_special=False)) > 1
