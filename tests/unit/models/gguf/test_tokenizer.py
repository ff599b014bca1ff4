from __future__ import annotations

from pathlib import Path

import pytest

from llmd.errors import CorruptFile
from llmd.models.gguf import tokenizer
from llmd.models.gguf.header import ArraySummary, read_header
from llmd.models.gguf.tokenizer import Token, texts_at, tokenizer_of
from tests.fakes.gguf import gguf, write


def test_the_builtin_models_tokenizer_is_told(tiny_model: Path) -> None:
    found = tokenizer_of(read_header(tiny_model), tiny_model)
    assert (found.model, found.pre, found.size) == ("gpt2", "qwen2", 4096)
    assert found.merges > 1000
    assert found.special["eos"].text == "<|im_end|>"


def test_special_tokens_of_long_vocabularies_are_read_from_the_file(tmp_path: Path) -> None:
    words = [f"字{number}" for number in range(5000)]
    values = {
        "tokenizer.ggml.tokens": words,
        "tokenizer.ggml.bos_token_id": 0,
        "tokenizer.ggml.eos_token_id": 4999,
        "tokenizer.ggml.padding_token_id": 4999,
        "tokenizer.ggml.unknown_token_id": 5000,
        "tokenizer.ggml.add_bos_token": True,
    }
    path = write(tmp_path / "m.gguf", values)
    found = tokenizer_of(read_header(path), path)
    assert found.special == {
        "bos": Token(0, "字0"),
        "eos": Token(4999, "字4999"),
        "padding": Token(4999, "字4999"),
        "unknown": Token(5000, ""),
    }
    assert (found.adds_bos, found.adds_eos) == (True, None)


def test_short_vocabularies_are_at_hand(tmp_path: Path) -> None:
    assert texts_at(tmp_path / "absent", ["a", "b"], [1, 2, -1]) == {1: "b"}
    assert texts_at(tmp_path / "absent", ArraySummary("string", 9), []) == {}
    assert texts_at(tmp_path / "absent", ArraySummary("float32", 9), [1]) == {}
    assert texts_at(tmp_path / "absent", None, [1]) == {}


def test_a_long_way_to_a_token_is_read_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokenizer, "_FIRST_READ", 64)
    path = tmp_path / "m.gguf"
    path.write_bytes(gguf({"words": [f"word {number}" for number in range(2000)]}))
    array = read_header(path).values["words"]
    assert texts_at(path, array, [1999, 3]) == {3: "word 3", 1999: "word 1999"}


def test_a_file_that_shrank_meanwhile_is_damage(tmp_path: Path) -> None:
    path = tmp_path / "m.gguf"
    path.write_bytes(gguf({"words": [f"word {number}" for number in range(2000)]}))
    array = read_header(path).values["words"]
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(CorruptFile):
        texts_at(path, array, [1999])


def test_ids_that_are_no_numbers_are_left_out(tmp_path: Path) -> None:
    path = write(tmp_path / "m.gguf", {"tokenizer.ggml.eos_token_id": "seven"})
    assert tokenizer_of(read_header(path), path).special == {}
