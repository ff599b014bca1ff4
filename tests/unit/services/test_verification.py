"""Verifying over a real store: sound, damaged and missing files, and leaving in the middle."""

from __future__ import annotations

import asyncio
import hashlib
import os
from contextlib import aclosing
from pathlib import Path

import pytest

from llmd.errors import ModelNotFound
from llmd.models.integrity import reading
from llmd.models.integrity.reading import PIECE
from llmd.models.manifest import Provided
from llmd.models.sources.transfer import pieces
from llmd.protocol.integrity import Health, ModelHealth, Verified, VerifyProgress
from llmd.services.verification import VerifyEvent
from tests.fakes.gguf import write
from tests.fakes.moments import moment
from tests.unit.services.conftest import Bench


async def verify(bench: Bench, *names: str, repair: bool = False) -> list[VerifyEvent]:
    checking = bench.services.verification.verify(names, repair=repair)
    return [event async for event in checking]


def states(events: list[VerifyEvent]) -> dict[str, list[Health]]:
    return {
        event.name: [file.state for file in event.files]
        for event in events
        if isinstance(event, ModelHealth)
    }


def flip(path: Path, position: int) -> None:
    with path.open("r+b") as file:
        file.seek(position)
        file.write(b"\xaa")


async def test_a_digest_that_is_found_out_is_kept(bench: Bench, tmp_path: Path) -> None:
    file = write(tmp_path / "m.gguf")
    bench.store.register(file, "m")
    assert states(await verify(bench)) == {
        "llmd-tiny": [Health.STRUCTURE],
        "m": [Health.RECORDED],
    }
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    assert bench.store.get("m").digests == {str(file): digest}
    events = await verify(bench, "M")
    assert states(events) == {"m": [Health.OK]}
    assert events[-1] == Verified(models=1, damaged=[])


async def test_a_flipped_byte_is_found_where_it_is(bench: Bench, tmp_path: Path) -> None:
    file = write(tmp_path / "m.gguf")
    os.truncate(file, 2 * PIECE + 5)
    data = file.read_bytes()
    whole = hashlib.sha256(data).hexdigest()
    ends = (PIECE, 2 * PIECE, len(data))
    marks = {end: hashlib.sha256(data[:end]).hexdigest() for end in ends}
    record = pieces.Record(whole, len(data), "https://host/m.gguf", "https", marks)
    pieces.keep(tmp_path / "models" / "pieces", record)
    bench.store.register(file, "m", provided=Provided(digests={str(file): whole}))
    bench.store.copy("m", "copy")
    assert states(await verify(bench, "m")) == {"m": [Health.OK]}
    flip(file, PIECE + 9)
    events = await verify(bench, "m", "copy")
    healths = [event for event in events if isinstance(event, ModelHealth)]
    assert [health.files[0].damage for health in healths] == [[(PIECE, 2 * PIECE)]] * 2
    assert "if it was replaced on purpose: llmd import" in healths[0].note
    assert events[-1] == Verified(models=2, damaged=["m", "copy"])
    assert bench.store.get("m").digests == {str(file): whole}, "damage is no new truth"


async def test_what_is_missing_is_damage_too(bench: Bench, tmp_path: Path) -> None:
    file = write(tmp_path / "m.gguf")
    bench.store.register(file, "m", "hf://acme/m/m.gguf", owned=True)
    file.unlink()
    (health, _) = await verify(bench, "m")
    assert isinstance(health, ModelHealth)
    assert health.files[0].state is Health.MISSING
    assert "llmd pull hf://acme/m/m.gguf" in health.note


async def test_what_cannot_be_repaired_says_why(bench: Bench, tmp_path: Path) -> None:
    file = write(tmp_path / "m.gguf")
    bench.store.register(file, "m", provided=Provided(digests={str(file): "ab" * 32}))
    (health, end) = await verify(bench, "m", repair=True)
    assert isinstance(health, ModelHealth)
    assert not health.repaired
    assert "did not come by a download of llmd" in health.note
    assert end == Verified(models=1, damaged=["m"])
    assert file.exists()


async def test_a_name_that_is_not_there_is_an_error(bench: Bench) -> None:
    with pytest.raises(ModelNotFound):
        await verify(bench, "absent")


async def test_progress_counts_over_all_models(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "_STEP", 0.0)
    for name in ("a", "b"):
        os.truncate(write(tmp_path / f"{name}.gguf"), 20 * 2**20)
        bench.store.register(tmp_path / f"{name}.gguf", name)
    events = await verify(bench, "a", "b")
    progress = [event for event in events if isinstance(event, VerifyProgress)]
    assert [event.done for event in progress] == sorted(event.done for event in progress)
    assert {event.total for event in progress} == {40 * 2**20}
    assert progress[-1].model == "b"
    assert progress[-1].done > 20 * 2**20


async def test_leaving_ends_the_reading(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "_STEP", 0.0)
    os.truncate(write(tmp_path / "m.gguf"), 20 * 2**20)
    bench.store.register(tmp_path / "m.gguf", "m")
    async with aclosing(bench.services.verification.verify(["m"])) as events:
        async for event in events:
            assert isinstance(event, VerifyProgress)
            break
    task = asyncio.ensure_future(verify(bench, "m"))
    await moment()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert bench.store.get("m").digests == {}
