"""The catalogue's file."""

from __future__ import annotations

from llmd.models import catalog
from llmd.models.names import AliasReference, HubReference, check_name, parse
from llmd.protocol.models import Kind


def test_the_models_the_documents_promise_are_there() -> None:
    promised = {
        "qwen-7b-chat",
        "qwen-14b-chat",
        "gemma-7b",
        "gemma-2b",
        "llama-2-7b-chat",
        "chatglm3-6b",
    }
    assert promised <= set(catalog.entries())


def test_every_entry_can_be_typed_and_points_to_a_repository() -> None:
    for alias, entry in catalog.entries().items():
        assert alias == alias.lower()
        assert check_name(alias) == entry.alias
        assert parse(alias) == AliasReference(alias)
        assert parse(f"{entry.repo}:{entry.quantization}") == HubReference(
            entry.repo, entry.quantization
        )
        assert entry.size
        assert entry.license
        assert entry.description


def test_there_is_something_to_embed_with() -> None:
    assert any(entry.kind is Kind.EMBEDDING for entry in catalog.entries().values())


def test_aliases_are_found_whatever_their_case() -> None:
    assert catalog.find("QWEN3-4B") == catalog.entries()["qwen3-4b"]
    assert catalog.find("nothing") is None
