"""One entry, and what is wrong with it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from llmd.models.catalog.entry import Capability, Entry, flaws
from llmd.models.names import HubReference, OllamaReference
from llmd.protocol.models import Kind, SamplingDefaults


def entry(**fields: Any) -> Entry:
    return Entry(**{"alias": "m-1b", "source": "acme/m-GGUF", **fields})


def test_an_alias_and_a_source_suffice() -> None:
    plain = entry()
    assert flaws(plain) == []
    assert plain.kind is Kind.CHAT
    assert plain.capabilities == [Capability.CHAT]
    assert plain.reference == HubReference("acme/m-GGUF")
    assert plain.size == 0


@pytest.mark.parametrize(
    ("capabilities", "kind"),
    [
        (["chat", "vision"], Kind.CHAT),
        (["embedding"], Kind.EMBEDDING),
        (["rerank"], Kind.RERANK),
        (["embedding", "rerank"], Kind.RERANK),
    ],
)
def test_abilities_tell_the_kind(capabilities: list[Capability], kind: Kind) -> None:
    assert entry(capabilities=capabilities).kind is kind


def test_the_size_is_that_of_the_default() -> None:
    assert entry(quantization="Q4_0", quantizations={"Q4_0": 7, "Q8_0": 9}).size == 7


def test_any_source_that_can_be_fetched_will_do() -> None:
    other = entry(source="ollama://llama3.2:1b")
    assert flaws(other) == []
    assert other.reference == OllamaReference("llama3.2", "1b")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"alias": "M-1B"}, "no alias"),
        ({"alias": "m/1b"}, "no alias"),
        ({"alias": "m:1b"}, "colon"),
        ({"alias": "模型"}, "no alias"),
        ({"alias": ""}, "no alias"),
        ({"also": ["m 1b"]}, "no alias"),
        ({"source": "m-1b"}, "neither a repository"),
        ({"source": "/models/m.gguf"}, "neither a repository"),
        ({"source": "http://a.example/m.gguf"}, "source"),
        ({"file": "m.bin"}, "GGUF"),
        ({"file": "../{quantization}.gguf"}, "GGUF"),
        ({"quantizations": {"q4_0": 1}, "quantization": "q4_0"}, "capitals"),
        ({"quantizations": {"Q4_0": 1}, "quantization": "Q8_0"}, "does not list"),
        ({"quantizations": {"Q4_0": 1}}, "does not list"),
        ({"sampling": SamplingDefaults(temperature=-1)}, "temperature"),
        ({"sampling": SamplingDefaults(top_p=float("nan"))}, "top_p"),
        ({"sampling": SamplingDefaults(min_p=2.0)}, "min_p"),
    ],
)
def test_flaws_are_named(fields: dict[str, Any], words: str) -> None:
    assert words in " ".join(flaws(entry(**fields)))


def test_a_misspelt_field_is_no_field() -> None:
    with pytest.raises(msgspec.ValidationError, match="licence"):
        msgspec.convert({"alias": "m", "source": "a/b", "licence": "MIT"}, Entry)
