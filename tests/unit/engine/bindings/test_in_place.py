"""Logits that are read where llama.cpp computed them are those that it would have copied."""

from __future__ import annotations

import ctypes
import random
from collections.abc import Iterator
from dataclasses import replace
from mmap import PAGESIZE
from pathlib import Path

import llama_cpp.llama_cpp as lib
import numpy as np
import psutil
import pytest

from llmd.engine.bindings import Batch, Context, ContextShape, Model, in_place
from llmd.engine.bindings import context as context_module
from llmd.engine.bindings.abstaining import can_give_back
from llmd.engine.bindings.in_place import InPlaceLogits, can_read_in_place
from tests.unit.engine.bindings.conftest import SHAPE, Decode

WIDE = ContextShape(
    tokens=2048, sequences=12, batch=96, micro_batch=32, threads=1, outputs=20, in_place=True
)


@pytest.fixture
def reading(model: Model) -> Iterator[Context]:
    context = Context.create(model, replace(SHAPE, in_place=True))
    assert context
    assert context.reads_in_place
    yield context
    context.close()


def both(model: Model) -> tuple[Context, Context]:
    """Return a context that copies, and one that does not."""
    copying = Context.create(model, replace(WIDE, in_place=False))
    reading = Context.create(model, WIDE)
    assert copying
    assert reading
    assert (copying.reads_in_place, reading.reads_in_place) == (False, True)
    return copying, reading


@pytest.mark.parametrize("seed", range(6))
def test_calls_of_all_kinds_give_the_same_rows(model: Model, seed: int) -> None:
    # long ones and short ones, without outputs and with several of a sequence, alike and not
    contexts, chance = both(model), random.Random(seed)
    batch, held, again = Batch(96), dict.fromkeys(range(8), 0), 0
    for _ in range(60):
        if not again:
            again = chance.choice([0, 0, 3])
            sizes = {s: chance.choice([1, 1, 2, 20]) for s in chance.sample(range(8), 4)}
            asked = chance.choice([0.0, 0.3, 1.0])
        again = max(0, again - 1)
        end = 0
        for sequence, size in sizes.items():
            tokens = [chance.randrange(300, 4000) for _ in range(size)]
            end = batch.fill(end, tokens, held[sequence], sequence)
            held[sequence] += size
        batch.outputs[:end] = [chance.random() < asked for _ in range(end)]
        rows = min(int(np.count_nonzero(batch.outputs[:end])), 20)
        batch.outputs[:end][np.flatnonzero(batch.outputs[:end])[rows:]] = 0
        found = []
        for context in contexts:
            assert context.decode(batch, end) == 0
            found.append(context.logits(rows).copy() if rows else None)
        if rows:
            assert np.array_equal(found[0], found[1])
        for sequence in [s for s, length in held.items() if length > 120]:
            held[sequence] = 0
            for context in contexts:
                context.remove(sequence)
    for context in contexts:
        context.close()


def test_nothing_is_copied(reading: Context, model: Model, decode: Decode) -> None:
    decode(reading, model, "Hello")
    copied = np.ctypeslib.as_array(lib.llama_get_logits(reading.pointer), (model.vocab.size,))
    assert not copied.any()
    assert reading.logits(1).any()


def test_rows_are_writable_views_of_the_latest_call(
    reading: Context, model: Model, decode: Decode
) -> None:
    decode(reading, model, "Hello")
    reading.logits(1)[0][0] = 1234.0
    assert reading.logits(1)[0][0] == 1234.0
    assert reading.logits(1).shape == (1, model.vocab.size)
    reading.clear()
    decode(reading, model, "Good morning")
    assert reading.logits(1)[0][0] != 1234.0


def test_more_rows_than_were_computed_are_refused(
    reading: Context, model: Model, decode: Decode
) -> None:
    decode(reading, model, "Hello")
    with pytest.raises(BufferError):
        reading.logits(2)


def test_a_long_call_that_does_not_fit_leaves_nothing_behind(model: Model) -> None:
    context = Context.create(model, replace(WIDE, tokens=256))
    assert context
    batch = Batch(96)
    for part in range(2):
        batch.fill(0, [5] * 96, 96 * part, 0)
        assert context.decode(batch, 96) == 0
    end = batch.fill(0, [5] * 48, 192, 0)
    end = batch.fill(end, [6] * 48, 0, 1)
    assert context.decode(batch, end) == 1  # 64 of 96 have room
    assert (context.last(0), context.last(1)) == (191, -1)
    assert context.decode(batch, 48) == 0
    context.close()


@pytest.mark.skipif(not can_give_back(), reason="this system does not take memory back")
def test_memory_that_nothing_is_copied_to_is_given_back(
    large_vocabulary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = Model.load(str(large_vocabulary), gpu_layers=0, progress=lambda _: None)
    assert model
    shape = replace(WIDE, sequences=120, outputs=130)
    plain = _resident(model, replace(shape, in_place=False))
    in_place = _resident(model, shape)
    monkeypatch.setattr(context_module, "can_read_in_place", lambda *_: False)
    slim = _resident(model, shape)
    assert plain == pytest.approx(1, abs=0.01)
    assert in_place < 0.01
    assert slim < 0.15  # two of 120 rows were copied, in one or two huge pages where there are such
    model.close()


def _resident(model: Model, shape: ContextShape) -> float:
    """Return how much is in memory of the rows for copies, after two prompts were read."""
    context = Context.create(model, shape)
    assert context
    batch = Batch(8)
    for sequence in range(2):
        batch.fill(4 * sequence, [5, 6, 7, 8], 0, sequence)
        batch.outputs[4 * sequence + 3] = 1
    assert context.decode(batch, 8) == 0
    assert context.logits(2).any(axis=1).all()
    start = ctypes.addressof(lib.llama_get_logits(context.pointer).contents)
    first, count = start // PAGESIZE, 120 * 70_000 * 4 // PAGESIZE
    with Path("/proc/self/pagemap").open("rb") as pages:
        pages.seek(8 * first)
        present = np.frombuffer(pages.read(8 * count), np.uint64) >> np.uint64(63)
    context.close()
    return float(present.mean())


def test_windows_and_states_are_copied(swa_model: Path, recurrent_model: Path) -> None:
    for path in (swa_model, recurrent_model):
        model = Model.load(str(path), gpu_layers=0, progress=lambda _: None)
        assert model
        assert not model.has_plain_cache
        context = Context.create(model, replace(SHAPE, in_place=True))
        assert context
        assert not context.reads_in_place
        context.close()
        model.close()


def test_a_graph_without_a_result_of_that_name_is_copied(
    model: Model, decode: Decode, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = decode(context, model, "Hello")
    monkeypatch.setattr(in_place, "_RESULT", b"something else")
    other = Context.create(model, replace(SHAPE, in_place=True))
    assert other
    assert not other.reads_in_place
    assert decode(other, model, "Hello") == expected
    assert ctypes.addressof(lib.llama_get_logits(other.pointer).contents) == (
        other.logits(1).ctypes.data
    )
    other.close()


def test_a_system_without_much_memory_has_them_copied(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert can_read_in_place(64, 150_000)
    free = psutil.virtual_memory()._replace(available=2**20)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: free)
    assert not can_read_in_place(64, 150_000)
    context = Context.create(model, replace(SHAPE, sequences=64, outputs=64, in_place=True))
    assert context
    assert not context.reads_in_place
    context.close()


def test_what_a_context_that_was_refused_had_can_be_freed() -> None:
    InPlaceLogits(3).close()
