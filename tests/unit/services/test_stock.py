from __future__ import annotations

from pathlib import Path

from llmd.services.defaults import Purpose
from tests.fakes.gguf import write
from tests.unit.services.conftest import Bench


async def test_models_are_shown_with_what_they_can_and_their_licence(bench: Bench) -> None:
    shelf = await bench.services.stock.look()
    (found,) = shelf.models
    assert found.manifest.name == "llmd-tiny"
    assert "chat" in found.portrait.abilities
    assert found.portrait.license == "apache-2.0"
    assert not found.missing
    assert {one.purpose: one.model for one in shelf.defaults}[Purpose.CHAT] == "llmd-tiny"


async def test_a_file_that_is_gone_and_a_record_that_is_damaged_are_told(
    bench: Bench, tmp_path: Path
) -> None:
    file = write(tmp_path / "m.gguf")
    bench.store.register(file, "m")
    bench.store.register(write(tmp_path / "n.gguf"), "n")
    file.unlink()
    record = bench.store.directory / "n.json"
    record.write_text("{")
    shelf = await bench.services.stock.look()
    assert [(one.manifest.name, one.missing) for one in shelf.models] == [
        ("llmd-tiny", False),
        ("m", True),
    ]
    assert [one.path for one in shelf.broken] == [str(record)]


async def test_who_must_not_wait_gets_what_was_seen_last(bench: Bench) -> None:
    stock = bench.services.stock
    assert stock.seen().models == ()
    assert stock._looking
    await stock._looking
    assert [one.manifest.name for one in stock.seen().models] == ["llmd-tiny"]
    looked = stock._looking
    stock.seen()
    assert stock._looking is looked
