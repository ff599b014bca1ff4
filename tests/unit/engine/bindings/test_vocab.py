"""Text to tokens and back through the bindings."""

from __future__ import annotations

from pathlib import Path

from llmd.engine.bindings import Model
from tests.fakes.copies import write_infill_model


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


def test_a_token_is_spelt_as_the_vocabulary_has_it(model: Model) -> None:
    vocab = model.vocab
    (token,) = vocab.tokenize(" the", add_special=False, parse_special=False)
    assert vocab.text(token) == "\u0120the"
    assert vocab.text(vocab.eos) == "<|im_end|>"
    assert vocab.kind == 2  # LLAMA_VOCAB_TYPE_BPE


def test_marks_around_gaps_and_texts(
    model: Model, tiny_model: Path, embedding_model: Path, tmp_path: Path
) -> None:
    assert model.vocab.infill == (-1, -1, -1)
    assert not model.vocab.adds_eos
    assert not model.vocab.adds_sep
    path = write_infill_model(tmp_path / "code.gguf", tiny_model, 3000)
    code = Model.load(str(path), gpu_layers=0, progress=lambda _: None)
    assert code
    assert code.vocab.infill == (3000, 3001, 3002)
    code.close()
    encoder = Model.load(str(embedding_model), gpu_layers=0, progress=lambda _: None)
    assert encoder
    assert encoder.vocab.piece(encoder.vocab.sep, special=True) == b"[SEP]"
    encoder.close()
