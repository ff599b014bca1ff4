"""Downloads without a hub: what is ordered under which name, and who watches; the hub's part is in test_pull.py."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from llmd.config.settings import DownloadSettings
from llmd.errors import (
    AccessDenied,
    InvalidRequest,
    LlmdError,
    ModelNotFound,
    NameTaken,
    NoRoom,
    UnsupportedArchitecture,
)
from llmd.models import courier, download
from llmd.models.catalog import Catalogue
from llmd.models.download import Downloads
from llmd.models.sources.lines import Fetched, Named, Progress, Said
from llmd.models.store import ModelStore
from llmd.protocol.models import ModelManifest, Prospect, PullProgress
from tests.fakes.gguf import write

CATALOG = """
[[model]]
alias = "tiny"
source = "acme/tiny-GGUF"
quantization = "Q4_K_M"
sampling = { temperature = 0.6 }

[[model]]
alias = "large"
source = "acme/large-GGUF"
quantization = "Q8_0"
draft = "tiny"
"""


class Source:
    """Takes the child's place: records what it is asked and sends what the test puts in."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, ...]] = []
        self.lines: asyncio.Queue[Said | LlmdError] = asyncio.Queue()
        self.alive = 0

    @asynccontextmanager
    async def running(
        self, module: str, *arguments: str, **_: object
    ) -> AsyncIterator[AsyncIterator[Said]]:
        self.asked.append((module.rpartition(".")[2], *arguments))
        self.alive += 1
        try:
            yield self._lines()
        finally:
            self.alive -= 1

    async def _lines(self) -> AsyncIterator[Said]:
        while True:
            line = await self.lines.get()
            if isinstance(line, LlmdError):
                raise line
            yield line


@pytest.fixture
def source(monkeypatch: pytest.MonkeyPatch) -> Source:
    source = Source()
    monkeypatch.setattr(courier, "running", source.running)
    monkeypatch.setattr(download, "running", source.running)
    return source


@pytest.fixture
def store(tmp_path: Path, tiny_model: Path) -> ModelStore:
    return ModelStore(tmp_path / "models", tiny_model)


@pytest.fixture
def catalogue(tmp_path: Path) -> Catalogue:
    own = tmp_path / "catalog.toml"
    own.write_text(CATALOG, encoding="utf-8")
    return Catalogue(own)


@pytest.fixture
def downloads(store: ModelStore, source: Source, catalogue: Catalogue) -> Downloads:
    return Downloads(store, catalogue)


def fetched(path: Path, *, fresh: bool = True) -> Fetched:
    return Fetched([str(path)], "acme/m", "main", "Q8_0", fresh)


async def pull(downloads: Downloads, name: str) -> list[PullProgress | ModelManifest]:
    return [event async for event in downloads.pull(name)]


@pytest.mark.parametrize(
    ("typed", "asked", "name"),
    [
        ("acme/m", ("huggingface", "acme/m", "", ""), "acme/m:Q8_0"),
        ("hf://acme/m:q8_0", ("huggingface", "acme/m", "q8_0", ""), "acme/m:Q8_0"),
        ("acme/m@v2:q8_0", ("huggingface", "acme/m", "q8_0", "v2"), "acme/m:Q8_0"),
        ("tiny", ("huggingface", "acme/tiny-GGUF", "Q4_K_M", ""), "tiny"),
        ("TINY:q8_0", ("huggingface", "acme/tiny-GGUF", "Q8_0", ""), "tiny:Q8_0"),
        ("ollama://m:1b", ("ollama", "m", "1b"), "acme/m:Q8_0"),
        ("ms://acme/m:Q8_0", ("modelscope", "acme/m", "Q8_0"), "acme/m:Q8_0"),
        ("https://host/m.gguf", ("https", "https://host/m.gguf", ""), "acme/m:Q8_0"),
    ],
)
async def test_names_lead_to_orders_and_local_names(
    downloads: Downloads,
    source: Source,
    tmp_path: Path,
    typed: str,
    asked: tuple[str, ...],
    name: str,
) -> None:
    source.lines.put_nowait(fetched(write(tmp_path / "m.gguf")))
    manifest = (await pull(downloads, typed))[-1]
    (order,) = source.asked
    assert order[: len(asked)] == asked
    assert isinstance(manifest, ModelManifest)
    assert manifest.name == name


async def test_the_rate_is_worked_out_from_progress(
    downloads: Downloads, source: Source, tmp_path: Path
) -> None:
    model = write(tmp_path / "m.gguf")
    rates = []
    async for event in downloads.pull("acme/m"):
        if not isinstance(event, PullProgress) or event.status not in {"resolving", "downloading"}:
            continue
        if event.status == "downloading":
            rates.append(event.rate)
        await asyncio.sleep(0.01)
        done = 1000 * (len(rates) + 1)
        source.lines.put_nowait(
            Progress("downloading", "m.gguf", done, 9000) if len(rates) < 3 else fetched(model)
        )
    assert rates[0] == 0
    assert rates[-1] > 0


async def test_an_error_reaches_every_watcher_and_the_next_pull_starts_anew(
    downloads: Downloads, source: Source
) -> None:
    pulls = [downloads.pull("acme/m") for _ in range(2)]
    for events in pulls:
        await anext(events)
    source.lines.put_nowait(ModelNotFound("gone"))
    for events in pulls:
        with pytest.raises(ModelNotFound, match="gone"):
            await anext(events)
    source.lines.put_nowait(ModelNotFound("still gone"))
    with pytest.raises(ModelNotFound, match="still gone"):
        await pull(downloads, "acme/m")
    assert len(source.asked) == 2
    assert source.alive == 0


async def test_it_stops_when_the_last_watcher_leaves(downloads: Downloads, source: Source) -> None:
    first, second = downloads.pull("acme/m"), downloads.pull("acme/m")
    source.lines.put_nowait(Progress("downloading"))
    for events in (first, second):
        await anext(events)
    while not source.alive:
        await asyncio.sleep(0)
    await first.aclose()
    assert source.alive == 1
    await second.aclose()
    assert source.alive == 0
    assert len(source.asked) == 1


async def test_a_fresh_file_that_cannot_be_served_is_deleted(
    downloads: Downloads, source: Source, store: ModelStore, tmp_path: Path
) -> None:
    for fresh in (False, True):
        path = write(tmp_path / "m.gguf", {"general.architecture": "hovercraft"})
        source.lines.put_nowait(fetched(path, fresh=fresh))
        with pytest.raises(UnsupportedArchitecture):
            await pull(downloads, "acme/m")
        assert path.exists() is not fresh
    assert len(store.list()) == 1


async def test_what_is_here_already_is_not_fetched(
    downloads: Downloads, source: Source, store: ModelStore, embedding_model: Path
) -> None:
    store.register(embedding_model, "mine")
    for name in ("mine", "llmd-tiny"):
        progress, manifest = await pull(downloads, name)
        assert isinstance(progress, PullProgress)
        assert progress.status == "done"
        assert manifest == store.get(name)
    assert source.asked == []


@pytest.mark.parametrize(
    ("typed", "kind", "words"),
    [
        ("/m.gguf", InvalidRequest, "llmd import"),
        ("two words", InvalidRequest, "OWNER/REPO"),
        ("qwen3-4", ModelNotFound, "Did you mean qwen3-4b"),
        ("zzz", ModelNotFound, "OWNER/REPO"),
    ],
)
async def test_what_cannot_be_fetched_says_what_can(
    downloads: Downloads, typed: str, kind: type[LlmdError], words: str
) -> None:
    with pytest.raises(kind) as failure:
        await pull(downloads, typed)
    assert words in failure.value.hint


async def test_the_catalogues_advice_goes_into_the_manifest(
    downloads: Downloads, source: Source, tmp_path: Path
) -> None:
    source.lines.put_nowait(fetched(write(tmp_path / "m.gguf")))
    manifest = (await pull(downloads, "tiny"))[-1]
    assert isinstance(manifest, ModelManifest)
    assert manifest.preset.sampling.temperature == 0.6


async def test_the_draft_of_a_model_comes_along(
    downloads: Downloads, source: Source, store: ModelStore, tmp_path: Path
) -> None:
    for name in ("large", "tiny"):
        source.lines.put_nowait(fetched(write(tmp_path / f"{name}.gguf")))
    events = await pull(downloads, "large")
    manifest = events[-1]
    assert isinstance(manifest, ModelManifest)
    assert (manifest.name, manifest.draft) == ("large", "tiny")
    assert store.get("tiny").path == str(tmp_path / "tiny.gguf")
    assert [order[1] for order in source.asked] == ["acme/large-GGUF", "acme/tiny-GGUF"]


async def test_without_its_draft_a_model_works_all_the_same(
    downloads: Downloads, source: Source, store: ModelStore, tmp_path: Path
) -> None:
    source.lines.put_nowait(fetched(write(tmp_path / "large.gguf")))
    source.lines.put_nowait(ModelNotFound("gone"))
    manifest = (await pull(downloads, "large"))[-1]
    assert isinstance(manifest, ModelManifest)
    assert manifest.draft == ""
    assert store.get("large") == manifest


async def test_what_was_abandoned_long_ago_is_dropped(
    source: Source, store: ModelStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    old = store.directory / "web" / "m.gguf.llmd.incomplete"
    old.parent.mkdir(parents=True)
    old.write_bytes(b"GGUF")
    os.utime(old, (1, 1))
    source.lines.put_nowait(fetched(write(tmp_path / "m.gguf")))
    await pull(Downloads(store, settings=DownloadSettings()), "acme/m")
    assert not old.exists()


def test_the_daemons_side_stays_light() -> None:
    code = (
        "import sys, llmd.models.download, llmd.models.store;"
        "print([m for m in ('huggingface_hub', 'httpx2', 'llama_cpp', 'aiohttp') if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert found.stdout.strip() == "[]"


async def test_a_look_tells_the_size_and_registers_nothing(
    downloads: Downloads, source: Source, store: ModelStore
) -> None:
    for line in (Progress("resolving"), Progress("found", "m", 3, 10), Progress("room")):
        source.lines.put_nowait(line)
    assert await downloads.look("acme/m:Q8_0") == Prospect(name="acme/m", size=10, here=3)
    assert source.asked == [("huggingface", "acme/m", "Q8_0", "")]
    assert source.alive == 0
    assert [model.name for model in store.list()] == ["llmd-tiny"]


async def test_a_look_tells_that_the_disk_has_no_room(downloads: Downloads, source: Source) -> None:
    source.lines.put_nowait(Progress("found", "m", 0, 10))
    source.lines.put_nowait(NoRoom("It is full.", hint="Free some."))
    found = await downloads.look("acme/m")
    assert (found.size, found.problem) == (10, "It is full. Free some.")


async def test_a_look_at_what_another_tool_has_tells_its_size(
    downloads: Downloads, source: Source, tiny_model: Path
) -> None:
    source.lines.put_nowait(fetched(tiny_model, fresh=False))
    found = await downloads.look("acme/m")
    assert found.size == found.here == tiny_model.stat().st_size


async def test_a_look_at_what_is_registered_asks_nobody(
    downloads: Downloads, source: Source
) -> None:
    found = await downloads.look("llmd-tiny")
    assert found.size == found.here > 0
    assert source.asked == []


async def test_a_look_raises_what_the_source_says(downloads: Downloads, source: Source) -> None:
    source.lines.put_nowait(AccessDenied("It is gated."))
    with pytest.raises(AccessDenied):
        await downloads.look("acme/m")
    with pytest.raises(InvalidRequest):
        await downloads.look("/a/file.gguf")


@pytest.mark.parametrize(("typed", "called"), [("https://host/mine.gguf", ""), ("tiny", "Mine")])
async def test_a_name_that_is_taken_is_refused_before_anything_is_fetched(
    downloads: Downloads,
    source: Source,
    store: ModelStore,
    embedding_model: Path,
    typed: str,
    called: str,
) -> None:
    store.register(embedding_model, "mine")
    source.lines.put_nowait(Named("mine", "https://host/mine.gguf", "/models/web/mine.gguf"))
    source.lines.put_nowait(Progress("downloading"))
    with pytest.raises(NameTaken, match=str(embedding_model)):
        async for _ in downloads.pull(typed, called=called):
            pass
    assert source.lines.qsize() == 1
    assert source.alive == 0


async def test_what_may_be_replaced_is_fetched_again(
    downloads: Downloads, source: Source, store: ModelStore, tmp_path: Path
) -> None:
    file = write(tmp_path / "m.gguf")
    store.register(file, "mine", "https://host/mine.gguf")
    for named in (Named("mine", "https://host/mine.gguf"), Named("mine", "hf://a/b", str(file))):
        source.lines.put_nowait(named)
        source.lines.put_nowait(Fetched([str(file)], "a", "b", "", True, "", "mine", named.source))
        manifest = (await pull(downloads, "https://host/mine.gguf"))[-1]
        assert isinstance(manifest, ModelManifest)
        assert manifest.source == named.source


async def test_a_model_is_called_as_the_person_wants(
    downloads: Downloads, source: Source, store: ModelStore, tmp_path: Path
) -> None:
    source.lines.put_nowait(Named("acme/m:Q8_0", "hf://acme/m/m.gguf"))
    source.lines.put_nowait(fetched(write(tmp_path / "m.gguf")))
    manifest = [event async for event in downloads.pull("acme/m", called="mine")][-1]
    assert manifest == store.get("mine")
    for name, wrong in (("acme/m", "no such: name?"), ("llmd-tiny", "other")):
        with pytest.raises(InvalidRequest):
            await anext(downloads.pull(name, called=wrong))
