from __future__ import annotations

from pathlib import Path

import pytest

from llmd.errors import CorruptFile, ModelBusy, ModelNotFound
from llmd.services.defaults import Purpose
from tests.unit.services.conftest import Bench


async def test_import_list_copy_show_remove(bench: Bench, embedding_model: Path) -> None:
    library = bench.services.library
    await library.add(str(embedding_model), "minilm")
    assert {model.name for model in await library.models()} == {"llmd-tiny", "minilm"}
    await library.copy("minilm", "other")
    assert library.loaded("minilm") is None
    assert library.default_chat() == "llmd-tiny"
    assert [library.meant(name) for name in ("default", "other")] == ["llmd-tiny", "other"]
    removed = await library.remove("minilm")
    assert embedding_model.exists(), "llmd deletes only what it fetched"
    assert removed.freed == 0
    with pytest.raises(ModelNotFound):
        await library.get("minilm")


async def test_the_newest_answers_again_when_the_default_is_removed(bench: Bench) -> None:
    library, defaults = bench.services.library, bench.services.defaults
    await library.copy("llmd-tiny", "other")
    await defaults.change(Purpose.CHAT, "other")
    assert library.default_chat() == "other"
    assert (await library.remove("other")).default_for == ["chat"]
    assert defaults.chosen(Purpose.CHAT) == ""
    assert library.default_chat() == "llmd-tiny"


async def test_a_file_that_is_no_gguf_is_refused(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "x.gguf").write_bytes(b"not a model")
    with pytest.raises(CorruptFile):
        await bench.services.library.add(str(tmp_path / "x.gguf"), None)


async def test_a_loaded_model_is_unloaded_before_it_goes_and_a_busy_one_stays(
    bench: Bench, embedding_model: Path
) -> None:
    library = bench.services.library
    made = await library.add(str(embedding_model), "minilm")
    async with bench.pool.lease(made):
        bench.starts.workers[0].running = 1
        with pytest.raises(ModelBusy):
            await library.remove("minilm")
        bench.starts.workers[0].running = 0
    await library.remove("minilm")
    assert not bench.starts.workers[0].alive
