"""The list of architectures."""

from __future__ import annotations

from llmd.models.gguf.architectures import ENCODERS, KNOWN


def test_the_usual_architectures_are_known() -> None:
    assert {
        "llama",
        "qwen2",
        "qwen3",
        "gemma3",
        "phi3",
        "bert",
        "nomic-bert",
        "chatglm",
        "gpt-oss",
    } <= KNOWN
    assert len(KNOWN) > 100


def test_projectors_and_placeholders_are_not() -> None:
    assert not {"clip", "(unknown)", ""} & KNOWN


def test_encoders_are_known_architectures() -> None:
    assert ENCODERS <= KNOWN
