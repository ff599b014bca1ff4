"""From what is typed to what is fetched."""

from __future__ import annotations

from pathlib import Path

import pytest

from llmd.errors import InvalidRequest, ModelNotFound
from llmd.models.catalog import Catalogue, canonical, variant_names, wanted
from llmd.models.names import (
    HubReference,
    ModelScopeReference,
    OllamaReference,
    RemoteReference,
    UrlReference,
)

OWN = """
[[model]]
alias = "plain"
also = ["plain:2b"]
source = "acme/plain-GGUF"

[[model]]
alias = "full"
source = "acme/full-GGUF"
file = "full-{quantization}.gguf"
quantization = "Q4_K_M"
quantizations = { Q8_0 = 8, Q4_K_M = 4 }

[[model]]
alias = "fixed"
source = "hf://acme/fixed@v2"
file = "the-one.gguf"

[[model]]
alias = "scope"
source = "modelscope://acme/scope"
quantization = "Q4_0"

[[model]]
alias = "llama"
source = "ollama://llama3.2:1b"
quantization = "Q8_0"

[[model]]
alias = "url"
source = "https://a.example/m.gguf"
"""


@pytest.fixture
def catalogue(tmp_path: Path) -> Catalogue:
    own = tmp_path / "catalog.toml"
    own.write_text(OWN, encoding="utf-8")
    catalogue = Catalogue(own)
    assert catalogue.faults() == ()
    return catalogue


@pytest.mark.parametrize(
    ("name", "source", "registered"),
    [
        ("plain", HubReference("acme/plain-GGUF"), "plain"),
        ("PLAIN:2b", HubReference("acme/plain-GGUF"), "plain"),
        ("plain:latest", HubReference("acme/plain-GGUF"), "plain"),
        ("plain:q8_0", HubReference("acme/plain-GGUF", "Q8_0"), "plain:Q8_0"),
        ("full", HubReference("acme/full-GGUF", "full-Q4_K_M.gguf"), "full"),
        ("full:q4_k_m", HubReference("acme/full-GGUF", "full-Q4_K_M.gguf"), "full"),
        ("full@q8_0", HubReference("acme/full-GGUF", "full-Q8_0.gguf"), "full:Q8_0"),
        # not in the list, which may be old: the hub knows
        ("full:IQ2_M", HubReference("acme/full-GGUF", "IQ2_M"), "full:IQ2_M"),
        ("fixed", HubReference("acme/fixed", "the-one.gguf", "v2"), "fixed"),
        ("scope", ModelScopeReference("acme/scope", "Q4_0"), "scope"),
        ("llama", OllamaReference("llama3.2", "1b"), "llama"),
        ("llama:Q4_0", OllamaReference("llama3.2", "1b-q4_0"), "llama:Q4_0"),
        ("url", UrlReference("https://a.example/m.gguf"), "url"),
        ("acme/m:Q4_0", HubReference("acme/m", "Q4_0"), ""),
        ("ollama://m", OllamaReference("m"), ""),
    ],
)
def test_a_name_is_resolved(
    catalogue: Catalogue, name: str, source: RemoteReference, registered: str
) -> None:
    found = wanted(name, catalogue)
    assert (found.source, found.name) == (source, registered)
    assert bool(found.entry) == bool(registered)


def test_a_file_of_this_machine_is_imported_instead(catalogue: Catalogue) -> None:
    with pytest.raises(InvalidRequest) as failure:
        wanted("./m.gguf", catalogue)
    assert "llmd import" in failure.value.hint


def test_an_unknown_alias_suggests_aliases_and_installed_names(catalogue: Catalogue) -> None:
    with pytest.raises(ModelNotFound) as failure:
        wanted("fulll", catalogue, ["fullness"])
    assert failure.value.details["suggestions"] == ["full", "fullness"]
    assert "Did you mean full or fullness?" in failure.value.hint
    with pytest.raises(ModelNotFound) as failure:
        wanted("zzzzzz", catalogue)
    assert "Did you mean" not in failure.value.hint
    assert "llmd search" in failure.value.hint


def test_a_word_that_is_no_quantisation_lists_what_there_is(catalogue: Catalogue) -> None:
    with pytest.raises(ModelNotFound) as failure:
        wanted("full:big", catalogue)
    assert failure.value.details["offered"] == ["Q4_K_M", "Q8_0"]
    assert "It has: Q4_K_M, Q8_0." in failure.value.hint
    with pytest.raises(ModelNotFound) as failure:
        wanted("full:k_m", catalogue)
    assert failure.value.details["suggestions"] == ["full:Q4_K_M"]


def test_a_size_in_the_way_of_ollama_suggests_other_entries() -> None:
    with pytest.raises(ModelNotFound) as failure:
        wanted("qwen3:7b", Catalogue())
    assert "qwen3:8b" in failure.value.details["suggestions"]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("PLAIN:2B", "plain"),
        ("full:Q4_K_M", "full"),
        ("full@q8_0", "full:Q8_0"),
        ("mine@q8_0", "mine:q8_0"),
        ("hf://acme/m:Q4_0", "acme/m:Q4_0"),
        ("acme/m@dev:Q4_0", "acme/m@dev:Q4_0"),
        ("ms://acme/m", "acme/m"),
        ("ollama://llama3.2", "llama3.2:latest"),
        ("模型", "模型"),
        ("/models/m.gguf", "/models/m.gguf"),
    ],
)
def test_all_names_of_a_model_lead_to_the_registered_one(
    catalogue: Catalogue, text: str, name: str
) -> None:
    assert canonical(text, catalogue) == name


def test_variants_are_named_as_they_are_pulled(catalogue: Catalogue) -> None:
    entry = catalogue.find("full")
    assert entry is not None
    assert variant_names(entry) == [("full", "Q4_K_M", 4), ("full:Q8_0", "Q8_0", 8)]
    assert {wanted(name, catalogue).name for name, _, _ in variant_names(entry)} == {
        "full",
        "full:Q8_0",
    }
