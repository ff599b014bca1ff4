from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path

import pytest

from llmd.errors import InvalidRequest, NameTaken
from llmd.models.adoption import keeping
from llmd.models.adoption.keeping import Keeping
from llmd.protocol.adoption import Failure, Keep, Place, Standing, Tool
from llmd.protocol.models import ModelManifest, PullProgress
from llmd.protocol.questions import Pooling
from llmd.services.adoption import AdoptionEvent
from tests.fakes.gguf import write
from tests.unit.services.conftest import Bench


@pytest.fixture
def places(tmp_path: Path) -> list[Place]:
    folder = tmp_path / "theirs"
    folder.mkdir()
    for number, name in enumerate(("a", "b", "c")):
        write(folder / f"{name}.gguf", {"llama.context_length": number + 1})
    (folder / "bad.gguf").write_text("no model")
    return [Place(Tool.FOLDER, str(folder))]


async def models(events: AsyncGenerator[AdoptionEvent]) -> list[ModelManifest]:
    return [event async for event in events if isinstance(event, ModelManifest)]


async def test_what_is_found_is_registered_and_then_known(
    bench: Bench, places: list[Place]
) -> None:
    adoption = bench.services.adoption
    found = await adoption.survey(places)
    assert [finding.standing for finding in found.findings].count(Standing.NEW) == 3
    chosen = await models(adoption.adopt(places, ["a", "c", "bad", "nothing"], Keep.REFERENCE))
    assert [model.name for model in chosen] == ["a", "c"]
    rest = await models(adoption.adopt(places, None, Keep.REFERENCE))
    assert [model.name for model in rest] == ["b"]
    found = await adoption.survey(places)
    assert Standing.NEW not in {finding.standing for finding in found.findings}
    for model in (*chosen, *rest):
        await bench.services.library.remove(model.name)
        assert Path(model.path).exists()


async def test_nothing_new_still_ends_with_done(bench: Bench, places: list[Place]) -> None:
    events = [event async for event in bench.services.adoption.adopt(places, [], Keep.REFERENCE)]
    assert events == [PullProgress(status="done")]


async def test_without_places_the_users_own_are_searched(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    monkeypatch.setenv("OLLAMA_MODELS", str(tmp_path / "mine"))
    found = await bench.services.adoption.survey()
    assert str(tmp_path / "mine") in {place.directory for place in found.places}


async def test_one_that_fails_is_told_and_the_others_go_on(
    bench: Bench, places: list[Place], monkeypatch: pytest.MonkeyPatch
) -> None:
    keep = keeping.keep

    def failing(files: list[Path], *rest: object) -> list[Path]:
        if files[0].name == "a.gguf":
            raise InvalidRequest("It cannot be linked.")
        return keep(files, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(keeping, "keep", failing)
    events = [event async for event in bench.services.adoption.adopt(places, None, Keep.LINK)]
    assert events[0] == Failure("a", "It cannot be linked.")
    assert [event.name for event in events if isinstance(event, ModelManifest)] == ["b", "c"]


async def test_a_copy_shows_how_far_it_is_and_ends_when_nobody_watches(
    bench: Bench, places: list[Place], monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()

    def endless(file: Path, target: Path, progress: Keeping) -> None:
        try:
            while True:
                progress.add(1)
                time.sleep(0.001)
        finally:
            loop.call_soon_threadsafe(stopped.set)

    monkeypatch.setattr(keeping, "_copy", endless)
    path = f"{places[0].directory}/a.gguf"
    adding = bench.services.adoption.add(path, None, None, Pooling.MODEL, Keep.COPY)
    async with aclosing(adding):
        event = await anext(adding)
    assert isinstance(event, PullProgress)
    assert (event.status, event.name, event.file) == ("copying", "a", "a.gguf")
    assert event.done > 0
    await stopped.wait()
    assert len(bench.store.list()) == 1
    assert not list((bench.store.directory / "kept").iterdir())


async def test_a_file_is_added_under_a_name_of_llmds_own(
    bench: Bench, embedding_model: Path, places: list[Place]
) -> None:
    adding = bench.services.adoption.add
    made = adding(str(embedding_model), "mine", None, Pooling.CLS, Keep.LINK)
    (model,) = [event async for event in made if isinstance(event, ModelManifest)]
    assert (model.name, model.pooling, model.owned) == ("mine", Pooling.CLS, True)
    assert Path(model.path).samefile(embedding_model)
    with pytest.raises(InvalidRequest, match="cannot rank"):
        await anext(adding(str(embedding_model), "r", None, Pooling.RANK, Keep.LINK))
    with pytest.raises(NameTaken):
        other = f"{places[0].directory}/a.gguf"
        await models(adding(other, "mine", None, Pooling.MODEL, Keep.LINK))
