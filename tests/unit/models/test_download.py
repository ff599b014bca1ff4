"""Downloads without a hub: what is ordered under which name, and who watches; the hub's part is in test_pull.py."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from llmd.errors import InvalidRequest, LlmdError, ModelNotFound, UnsupportedArchitecture
from llmd.models import download
from llmd.models.download import Downloads
from llmd.models.sources.lines import Fetched, Progress
from llmd.models.store import ModelStore
from llmd.protocol.models import ModelManifest, PullProgress
from tests.fakes.gguf import write


class Source:
    """Takes the child's place: records what it is asked and sends what the test puts in."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, ...]] = []
        self.lines: asyncio.Queue[Progress | Fetched | LlmdError] = asyncio.Queue()
        self.alive = 0

    @asynccontextmanager
    async def running(
        self, module: str, *arguments: str
    ) -> AsyncIterator[AsyncIterator[Progress | Fetched]]:
        self.asked.append(arguments)
        self.alive += 1
        try:
            yield self._lines()
        finally:
            self.alive -= 1

    async def _lines(self) -> AsyncIterator[Progress | Fetched]:
        while True:
            line = await self.lines.get()
            if isinstance(line, LlmdError):
                raise line
            yield line


@pytest.fixture
def source(monkeypatch: pytest.MonkeyPatch) -> Source:
    source = Source()
    monkeypatch.setattr(download, "running", source.running)
    return source


@pytest.fixture
def store(tmp_path: Path, tiny_model: Path) -> ModelStore:
    return ModelStore(tmp_path / "models", tiny_model)


@pytest.fixture
def downloads(store: ModelStore, source: Source) -> Downloads:
    return Downloads(store)


def fetched(path: Path, *, fresh: bool = True) -> Fetched:
    return Fetched([str(path)], "acme/m", "main", "Q8_0", fresh)


async def pull(downloads: Downloads, name: str) -> list[PullProgress | ModelManifest]:
    return [event async for event in downloads.pull(name)]


@pytest.mark.parametrize(
    ("typed", "asked", "name"),
    [
        ("acme/m", ("acme/m", ""), "acme/m:Q8_0"),
        ("hf://acme/m:q8_0", ("acme/m", "q8_0"), "acme/m:Q8_0"),
        ("qwen3-4b", ("Qwen/Qwen3-4B-GGUF", "Q4_K_M"), "qwen3-4b"),
        ("qwen3-4b:q4_k_m", ("Qwen/Qwen3-4B-GGUF", "Q4_K_M"), "qwen3-4b"),
        ("QWEN3-4B:q8_0", ("Qwen/Qwen3-4B-GGUF", "q8_0"), "qwen3-4b:Q8_0"),
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
    assert source.asked == [asked]
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


def test_the_daemons_side_stays_light() -> None:
    code = (
        "import sys, llmd.models.download, llmd.models.store;"
        "print([m for m in ('huggingface_hub', 'httpx2', 'llama_cpp', 'aiohttp') if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert found.stdout.strip() == "[]"
