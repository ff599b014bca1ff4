from __future__ import annotations

from pathlib import Path

import pytest

from llmd.errors import CorruptFile, InvalidRequest, ModelNotFound, NotFound
from llmd.models.gguf.reading import read_model
from llmd.services.descriptions import file_card
from tests.fakes.gguf import write
from tests.unit.services.conftest import Bench


async def test_a_registered_model_is_described_by_its_name(bench: Bench) -> None:
    card = await bench.services.descriptions.of("llmd-tiny")
    assert card.manifest
    assert card.manifest.name == "llmd-tiny"
    assert card.file
    assert card.file.facts.architecture == "qwen2"
    assert card.file.abilities
    assert card.file.abilities.system
    assert card.file.metadata["general.architecture"] == "qwen2"
    assert (card.loaded, card.entry, card.problem) == (None, None, "")
    async with bench.pool.lease(card.manifest):
        again = await bench.services.descriptions.installed("llmd-tiny")
    assert again.loaded


async def test_a_file_is_described_where_it_lies(bench: Bench, embedding_model: Path) -> None:
    card = await bench.services.descriptions.of(str(embedding_model))
    assert card.manifest is None
    assert card.file
    assert card.file.files == [str(embedding_model)]
    assert (card.file.abilities, card.file.cache) == (None, [])
    await bench.services.library.add(str(embedding_model), "minilm")
    known = await bench.services.descriptions.of(str(embedding_model))
    assert known.manifest
    assert known.manifest.name == "minilm"


async def test_an_entry_of_the_catalogue_is_described_before_it_is_here(bench: Bench) -> None:
    card = await bench.services.descriptions.of("qwen3-0.6b:q4_k_m")
    assert card.entry
    assert (card.entry.alias, card.manifest, card.file) == ("qwen3-0.6b", None, None)
    assert card.quantization.lower() == "q4_k_m"


async def test_a_registered_model_whose_file_is_gone_is_still_described(
    bench: Bench, tmp_path: Path
) -> None:
    path = write(tmp_path / "gone.gguf")
    await bench.services.library.add(str(path), "gone")
    path.unlink()
    card = await bench.services.descriptions.of("gone")
    assert card.manifest
    assert card.file is None
    assert "No such file" in card.problem


async def test_what_is_nowhere_is_not_found(bench: Bench, tmp_path: Path) -> None:
    of = bench.services.descriptions.of
    with pytest.raises(ModelNotFound):
        await of("no-such-model")
    with pytest.raises(ModelNotFound):
        await of("owner/repo:Q4_K_M")
    with pytest.raises(NotFound):
        await of(str(tmp_path / "absent.gguf"))
    with pytest.raises(InvalidRequest):
        await of("what is this?")
    (tmp_path / "x.gguf").write_bytes(b"no model")
    with pytest.raises(CorruptFile):
        await of(str(tmp_path / "x.gguf"))


def test_the_cache_is_told_for_usual_and_trained_contexts(
    tmp_path: Path, tiny_model: Path, recurrent_model: Path
) -> None:
    (short,) = file_card(read_model(tiny_model)).cache
    assert short.tokens == 2048
    assert short.bytes["f16"] == 2048 * 4 * 2 * 128 * 2
    assert short.bytes["q8_0"] * 64 == short.bytes["f16"] * 34
    usual, trained = file_card(read_model(recurrent_model)).cache
    assert (usual.tokens, trained.tokens) == (8192, 32768)
    assert usual.bytes == trained.bytes, "a state does not grow"
    assert file_card(read_model(write(tmp_path / "m.gguf"))).cache == []


def test_a_presets_template_counts_instead_of_the_files(tiny_model: Path) -> None:
    found = file_card(read_model(tiny_model), "{{ messages }}").abilities
    assert found
    assert not found.tools
