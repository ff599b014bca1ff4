"""The catalogue with what is installed."""

from __future__ import annotations

from pathlib import Path

import pytest

from llmd.errors import InvalidRequest
from llmd.protocol.catalog import Fit
from tests.unit.services.conftest import Bench


async def test_offers_tell_what_is_known(bench: Bench) -> None:
    (offer,) = (await bench.services.catalog.find(["qwen3-4b-2507"])).models
    assert offer.alias == "qwen3-4b-2507"
    assert (offer.installed, offer.own) == ([], False)
    assert "tools" in offer.capabilities
    assert offer.sampling.temperature == 0.7
    assert [variant.size for variant in offer.variants] == sorted(
        variant.size for variant in offer.variants
    )
    default = next(variant for variant in offer.variants if variant.name == offer.alias)
    assert (default.quantization, default.size, default.fit) == (
        offer.quantization,
        offer.size,
        offer.fit,
    )


async def test_what_is_installed_says_so(bench: Bench, embedding_model: Path) -> None:
    bench.store.register(embedding_model, "all-minilm:Q4_0")
    bench.store.register(
        embedding_model, "second", "hf://second-state/All-MiniLM-L6-v2-Embedding-GGUF/m.gguf"
    )
    (offer,) = (await bench.services.catalog.find(["all-minilm"])).models
    assert offer.installed == ["all-minilm:Q4_0", "second"]
    (other,) = (await bench.services.catalog.find(["bge-small"])).models
    assert other.installed == []


async def test_what_cannot_fit_says_so(bench: Bench) -> None:
    own = bench.paths.catalog_file
    own.parent.mkdir(exist_ok=True)
    own.write_text(
        "[[model]]\nalias = 'tiny'\nsource = 'a/b'\nquantization = 'Q4_0'\n"
        "quantizations = { Q4_0 = 1000, F32 = 1_000_000_000_000_000 }\n"
        "[[model]]\nalias = 'broken'\n",
        encoding="utf-8",
    )
    found = await bench.services.catalog.find(["tiny"])
    offer = found.models[0]
    assert offer.own
    assert [variant.fit for variant in offer.variants][-1] is Fit.NO
    (fault,) = found.faults
    assert (fault.path, fault.line, fault.entry) == (str(own), 6, "broken")


async def test_nothing_found_suggests_names(bench: Bench) -> None:
    found = await bench.services.catalog.find(["quen3-4b"])
    assert found.models == []
    assert "qwen3-4b" in found.near
    with pytest.raises(InvalidRequest):
        await bench.services.catalog.find([], kind="nonsense")
