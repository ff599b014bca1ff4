"""libmtmd through the bindings, with random models of every kind that differs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import llama_cpp.mtmd_cpp as mtmd
import numpy as np
import pytest

from llmd.engine import bindings
from llmd.engine.bindings import (
    Batch,
    Bitmap,
    Context,
    ContextShape,
    Floats,
    Model,
    Patch,
    Projector,
)
from llmd.engine.sounds import wave_file
from tests.fakes.random_vision import AUDIO_TOKENS, KINDS, WIDTH

SIZE = (64, 48)
VisionFiles = Callable[[str], tuple[Path, Path]]


class Loaded:
    """A model, its projector and a context."""

    def __init__(self, kind: str, model: Path, projector: Path) -> None:
        self.kind = kind
        self.path = projector
        self.model = self.open(model)
        shape = ContextShape(
            tokens=512, sequences=4, batch=256, micro_batch=64, threads=1, outputs=4
        )
        context = Context.create(self.model, shape)
        assert context
        self.context = context
        loaded = Projector.load(str(projector), self.model, threads=1, gpu=False, micro_batch=64)
        assert loaded
        self.projector = loaded

    def open(self, path: Path) -> Model:
        model = Model.load(str(path), gpu_layers=0, progress=lambda _: None)
        assert model
        return model

    def close(self) -> None:
        self.projector.close()
        self.context.close()
        self.model.close()

    def bitmap(self, seed: int) -> Bitmap:
        rng = np.random.default_rng(seed)
        if self.kind == "audio":
            samples = (rng.random(4000) - 0.5).astype(np.float32)
            bitmap = self.projector.sound(wave_file(samples, 8000))
            assert bitmap
            return bitmap
        return Bitmap.picture(*SIZE, rng.bytes(3 * SIZE[0] * SIZE[1]))

    def read(self, seed: int, sequence: int = 0) -> tuple[Floats, int]:
        """Decode a picture or sound between two texts; return the logits and the end."""
        bitmap = self.bitmap(seed)
        pieces = self.projector.tokenize(["look: ", bitmap, " so?"])
        bitmap.close()
        assert pieces
        position = 0
        batch = Batch(64)
        for piece in pieces:
            if isinstance(piece, Patch):
                embeddings = self.projector.encode(piece)
                assert embeddings is not None
                assert embeddings.shape == (piece.count, WIDTH)
                status = self.projector.decode(
                    self.context, piece.hollow(), embeddings, position, sequence
                )
                assert status == 0
                position += piece.positions
            else:
                end = batch.fill(0, piece, position, sequence)
                batch.outputs[end - 1] = 1
                assert self.context.decode(batch, end) == 0
                position += len(piece)
        return self.context.logits(1)[0].copy(), position


@pytest.fixture(params=KINDS)
def loaded(request: pytest.FixtureRequest, vision_files: VisionFiles) -> Iterator[Loaded]:
    bindings.start_backend(lambda *_: None)
    bindings.start_media(lambda *_: None)
    loaded = Loaded(request.param, *vision_files(request.param))
    yield loaded
    loaded.close()


def test_a_projector_says_what_it_takes(loaded: Loaded) -> None:
    expected = (loaded.kind != "audio", loaded.kind in {"audio", "both"})
    assert (loaded.projector.sees, loaded.projector.hears) == expected
    assert loaded.projector.rate == (16_000 if expected[1] else -1)
    assert loaded.projector.folds_positions == (loaded.kind == "mrope")


def test_the_answer_depends_on_what_was_shown_and_on_nothing_else(loaded: Loaded) -> None:
    first, _ = loaded.read(1, sequence=0)
    other, _ = loaded.read(2, sequence=1)
    again, _ = loaded.read(1, sequence=2)
    assert np.abs(first - other).max() > 1e-3
    np.testing.assert_allclose(first, again, atol=1e-5)


def test_positions_advance_as_the_model_counts_them(loaded: Loaded) -> None:
    _, end = loaded.read(1, sequence=3)
    assert loaded.context.last(3) == end - 1


def test_only_the_patches_of_noncausal_models_must_be_read_whole(loaded: Loaded) -> None:
    pieces = loaded.projector.tokenize([loaded.bitmap(1)])
    assert pieces
    wholes = {loaded.projector.whole(piece) for piece in pieces if isinstance(piece, Patch)}
    assert wholes == {loaded.kind == "noncausal"}


def test_sizes_alone_give_the_same_tokens(loaded: Loaded) -> None:
    bitmap = loaded.bitmap(1)
    hollow = Bitmap.sound(bitmap.length) if loaded.kind == "audio" else Bitmap.picture(*SIZE)
    full, empty = loaded.projector.tokenize(["a", bitmap]), loaded.projector.tokenize(["a", hollow])
    assert full
    assert empty
    assert [p if isinstance(p, list) else (p.count, p.positions, p.audible) for p in full] == [
        p if isinstance(p, list) else (p.count, p.positions, p.audible) for p in empty
    ]


@pytest.mark.parametrize("loaded", ["mrope"], indirect=True)
def test_a_picture_takes_fewer_positions_than_cells_under_mrope(loaded: Loaded) -> None:
    pieces = loaded.projector.tokenize([loaded.bitmap(1)])
    assert pieces
    (patch,) = (piece for piece in pieces if isinstance(piece, Patch))
    assert (patch.count, patch.positions) == (12, 4)


@pytest.mark.parametrize("loaded", ["tiled"], indirect=True)
def test_a_tiled_picture_is_several_patches_with_tokens_between(loaded: Loaded) -> None:
    pieces = loaded.projector.tokenize(["a", loaded.bitmap(1), "b"])
    assert pieces
    assert [isinstance(piece, Patch) for piece in pieces] == [False, True] * 5 + [False]
    assert all(min(piece) >= 0 for piece in pieces if isinstance(piece, list))


@pytest.mark.parametrize("loaded", ["audio"], indirect=True)
def test_sounds_are_resampled_and_read_in_chunks_of_thirty_seconds(loaded: Loaded) -> None:
    bitmap = loaded.projector.sound(wave_file(np.zeros(8000 * 31, np.float32), 8000))
    assert bitmap
    assert bitmap.length == 16_000 * 31
    pieces = loaded.projector.tokenize([bitmap])
    bitmap.close()
    assert pieces
    assert [piece.count for piece in pieces if isinstance(piece, Patch)] == [AUDIO_TOKENS] * 2
    assert all(isinstance(piece, Patch) and piece.audible for piece in pieces)


@pytest.mark.parametrize("loaded", ["audio"], indirect=True)
def test_what_is_no_sound_or_the_wrong_kind_of_thing_is_none(loaded: Loaded) -> None:
    assert loaded.projector.sound(b"RIFF0000WAVEnothing of the kind") is None
    assert loaded.projector.tokenize([Bitmap.picture(8, 8, bytes(192))]) is None


def test_markers_in_texts_mean_nothing(loaded: Loaded) -> None:
    marker = mtmd.mtmd_default_marker().decode()
    pieces = loaded.projector.tokenize([f"a {marker} b\0c"])
    assert pieces == [
        loaded.model.vocab.tokenize(f"a {marker} b\0c", add_special=False, parse_special=True)
    ]


@pytest.mark.parametrize("loaded", ["tiled"], indirect=True)
def test_a_full_cache_is_status_one(loaded: Loaded) -> None:
    batch = Batch(256)
    for part in range(2):
        batch.fill(0, [5] * 256, 256 * part, 0)
        assert loaded.context.decode(batch, 256) == 0
    pieces = loaded.projector.tokenize([loaded.bitmap(1)])
    assert pieces
    patch = next(piece for piece in pieces if isinstance(piece, Patch))
    embeddings = loaded.projector.encode(patch)
    assert embeddings is not None
    assert loaded.projector.decode(loaded.context, patch, embeddings, 0, 1) == 1
    assert loaded.context.remove(0)
    assert loaded.projector.decode(loaded.context, patch, embeddings, 0, 1) == 0


@pytest.mark.parametrize("loaded", ["noncausal"], indirect=True)
def test_a_projector_of_another_model_is_refused_with_the_reason_in_the_log(
    loaded: Loaded, tiny_model: Path
) -> None:
    lines: list[str] = []
    bindings.start_media(lambda _, text: lines.append(text))
    other = loaded.open(tiny_model)
    found = Projector.load(str(loaded.path), other, threads=1, gpu=False, micro_batch=64)
    other.close()
    assert found is None
    assert "mismatch" in "".join(lines)
    assert Projector.load("/nowhere", loaded.model, threads=1, gpu=False, micro_batch=64) is None
