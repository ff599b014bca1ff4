"""Damage mended from a hub on loopback: of a large file the damaged piece alone comes again."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from llmd.models.download import Downloads
from llmd.models.integrity.reading import PIECE
from llmd.models.mending import Mending
from llmd.models.store import ModelStore
from llmd.protocol.integrity import Health, ModelHealth, Verified, VerifyProgress
from llmd.protocol.models import ModelManifest
from llmd.services.verification import Verification, VerifyEvent
from tests.fakes.hub import Hub, Repo, serving


@pytest.fixture
async def hub(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_model: Path
) -> AsyncIterator[Hub]:
    # llama.cpp is not asked here, and a header does not mind what stands behind its tensors
    content = tiny_model.read_bytes() + os.urandom(2 * PIECE)
    hub = Hub(repos={"acme/tiny-GGUF": Repo({"tiny-Q8_0.gguf": content})})
    async with serving(hub):
        for name in [name for name in os.environ if name.startswith(("HF_", "HUGGING"))]:
            monkeypatch.delenv(name)
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        yield hub


@pytest.fixture
def store(tmp_path: Path, tiny_model: Path) -> ModelStore:
    return ModelStore(tmp_path / "models", tiny_model)


@pytest.fixture
async def downloads(store: ModelStore) -> AsyncIterator[Downloads]:
    downloads = Downloads(store)
    yield downloads
    await downloads.close()


async def pulled(downloads: Downloads) -> ModelManifest:
    *_, model = [event async for event in downloads.pull("acme/tiny-GGUF")]
    assert isinstance(model, ModelManifest)
    return model


def flip(path: Path, position: int) -> None:
    with path.open("r+b") as file:
        file.seek(position)
        byte = file.read(1)[0]
        file.seek(position)
        file.write(bytes([byte ^ 0xFF]))


async def repaired(
    store: ModelStore, downloads: Downloads
) -> tuple[list[VerifyEvent], ModelHealth]:
    verification = Verification(store, Mending(store, downloads.conditions))
    name = "acme/tiny-GGUF:Q8_0"
    events = [event async for event in verification.verify([name], repair=True)]
    (health,) = [event for event in events if isinstance(event, ModelHealth)]
    return events, health


async def test_only_the_damaged_pieces_come_again(
    hub: Hub, downloads: Downloads, store: ModelStore
) -> None:
    model = await pulled(downloads)
    path, content = Path(model.path), hub.repos["acme/tiny-GGUF"].files["tiny-Q8_0.gguf"]
    # two pieces: the second shows only when the first is mended
    flip(path, PIECE + 5)
    flip(path, len(content) - 5)
    hub.served.clear()
    events, health = await repaired(store, downloads)
    assert health.repaired
    assert health.files[0].state is Health.OK
    assert events[-1] == Verified(models=1, damaged=[])
    statuses = {event.status for event in events if isinstance(event, VerifyProgress)}
    assert "repairing" in statuses
    assert path.read_bytes() == content
    assert all(served.start >= PIECE for served in hub.served)
    assert sum(served.sent for served in hub.served) < len(content)
    assert store.get(model.name) == model
    assert [found.name for found in path.resolve().parent.iterdir()] == [path.resolve().name]


async def test_a_missing_file_comes_back(hub: Hub, downloads: Downloads, store: ModelStore) -> None:
    model = await pulled(downloads)
    Path(model.path).resolve().unlink()
    _, health = await repaired(store, downloads)
    assert health.repaired
    assert Path(model.path).exists()


async def test_a_repair_that_fails_leaves_the_file_as_it_was(
    hub: Hub, downloads: Downloads, store: ModelStore
) -> None:
    model = await pulled(downloads)
    flip(Path(model.path), 2 * PIECE + 5)
    damaged = Path(model.path).read_bytes()
    hub.repos.clear()
    _, health = await repaired(store, downloads)
    assert not health.repaired
    assert health.note.startswith("It cannot be repaired: ")
    assert Path(model.path).read_bytes() == damaged
