"""The three kinds of memory on real contexts: what can be continued gives the logits of a model
that read everything.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from llmd.engine import bindings
from llmd.engine.bindings import Batch, Context, ContextShape, Floats, Model
from llmd.engine.memory import AttentionMemory, Memory, StateMemory, WindowMemory, memory_for

SHAPE = ContextShape(tokens=1024, sequences=6, batch=512, micro_batch=512, threads=1, outputs=6)


NOISE = 0.5
"""Logits: rounding differs with the pieces a text is read in."""


NARROW = replace(SHAPE, micro_batch=64, full_windows=False)
"""A window of 32 tokens for each sequence and a micro batch: 256 cells."""


class Bench:
    def __init__(self, path: Path, shape: ContextShape = SHAPE) -> None:
        bindings.start_backend(lambda *_: None)
        model = Model.load(str(path), gpu_layers=0, progress=lambda _: None)
        assert model
        context = Context.create(model, shape)
        assert context
        self.model, self.context = model, context
        self.memory: Memory = memory_for(model, context, 2**20, narrow=not shape.full_windows)
        self.text = [5 + (7 * at) % 90 for at in range(300)]
        self._batch = Batch(512)

    def read(self, slot: int, start: int, end: int) -> Floats:
        """Read text[start:end] as a scheduler would, and return the logits of the last token."""
        while start < end:
            stop = self.memory.chunk_end(start, end)
            count = self._batch.fill(0, self.text[start:stop], start, slot)
            self._batch.outputs[count - 1] = 1
            assert self.context.decode(self._batch, count) == 0
            if stop < end:
                self.memory.note(slot, stop)
            start = stop
        return self.context.logits(1)[0].copy()

    def close(self) -> None:
        self.context.close()
        self.model.close()


@pytest.fixture(params=["tiny_model", "swa_model", "narrow", "recurrent_model", "hybrid_model"])
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    if request.param == "narrow":
        bench = Bench(request.getfixturevalue("swa_model"), NARROW)
    else:
        bench = Bench(request.getfixturevalue(request.param))
    yield bench
    bench.close()


def test_each_model_gets_the_memory_it_has(
    tiny_model: Path, swa_model: Path, recurrent_model: Path, hybrid_model: Path
) -> None:
    kinds = []
    for path in (tiny_model, swa_model, recurrent_model, hybrid_model):
        bench = Bench(path)
        kinds.append(type(bench.memory))
        bench.close()
    assert kinds == [AttentionMemory, WindowMemory, StateMemory, StateMemory]


@pytest.mark.parametrize("wanted", [299, 250, 120])
def test_a_shared_prefix_is_as_good_as_one_that_was_read(bench: Bench, wanted: int) -> None:
    expected = bench.read(0, 0, 300)
    length = bench.memory.usable(0, 300, wanted)
    assert length <= wanted
    if not length:
        assert isinstance(bench.memory, StateMemory)
        return
    assert bench.memory.share(0, 1, length)
    again = bench.read(1, length, 300)
    np.testing.assert_allclose(again, expected, atol=NOISE)
    assert int(again.argmax()) == int(expected.argmax())


def test_an_exact_repeat_is_never_read_from_the_beginning(bench: Bench) -> None:
    bench.read(0, 0, 300)
    assert bench.memory.usable(0, 300, 299) >= 296


def test_the_original_goes_on_unharmed_after_sharing(bench: Bench) -> None:
    bench.read(0, 0, 200)
    expected = bench.read(0, 200, 300)
    bench.memory.trim(0, 0)
    bench.read(0, 0, 200)
    length = bench.memory.usable(0, 200, 199)
    assert bench.memory.share(0, 1, length)
    bench.read(1, length, 230)
    np.testing.assert_allclose(bench.read(0, 200, 300), expected, atol=NOISE)


def test_a_prefix_is_shared_while_its_holder_has_gone_on_behind_it(bench: Bench) -> None:
    expected = bench.read(0, 0, 300)
    bench.memory.trim(0, 0)
    bench.read(0, 0, 200)
    for at in range(200, 210):  # an answer: the tree knows nothing of it yet
        bench.read(0, at, at + 1)
    length = bench.memory.usable(0, 200, 250)
    assert length >= 196
    assert bench.memory.share(0, 1, length)
    np.testing.assert_allclose(bench.read(1, length, 300), expected, atol=NOISE)
    np.testing.assert_allclose(bench.read(0, 210, 300), expected, atol=NOISE)


@pytest.mark.parametrize("kind", ["recurrent_model", "hybrid_model"])
def test_what_cannot_be_shared_leaves_nothing_behind(
    request: pytest.FixtureRequest, kind: str
) -> None:
    bench = Bench(request.getfixturevalue(kind))
    bench.read(0, 0, 300)
    assert not bench.memory.share(0, 1, 123)
    assert bench.context.last(1) == -1
    assert bench.memory.checkpoints(1) == {}
    assert bench.context.last(0) == 299
    bench.close()


def test_trimmed_sequences_hold_nothing(bench: Bench) -> None:
    bench.read(0, 0, 100)
    bench.memory.trim(0, 0)
    assert bench.context.last(0) == -1
    assert bench.memory.checkpoints(0) == {}


def test_checkpoints_are_bounded_and_pass_on(recurrent_model: Path) -> None:
    bench = Bench(recurrent_model)
    bench.memory = StateMemory(bench.context, limit_bytes=bench.context.state_size(0) * 3 + 1)
    for slot in range(4):
        bench.read(slot, 0, 300)
    kept = [slot for slot in range(4) if bench.memory.checkpoints(slot)]
    assert kept
    assert 0 not in kept
    states = bench.memory.checkpoints(3)
    bench.memory.trim(3, 0)
    bench.memory.put_checkpoints(2, states)
    assert bench.memory.checkpoints(2).keys() >= states.keys()
    bench.close()


@pytest.fixture(params=[SHAPE, NARROW], ids=["full", "narrow"])
def windows(request: pytest.FixtureRequest, swa_model: Path) -> Iterator[Bench]:
    """A bench whose first cells are those of sequence 4, for `push_out`."""
    bench = Bench(swa_model, request.param)
    bench.read(4, 0, 100)
    yield bench
    bench.close()


def push_out(bench: Bench) -> None:
    """Have cells of sequence 0 reused that lie before its window: llama.cpp takes those that it
    comes by on its way from the first that is free.
    """
    bench.memory.trim(4, 0)
    bench.read(5, 0, 300)
    assert bench.context.first(0) >= 200


def test_what_windows_left_behind_comes_back_from_checkpoints(windows: Bench) -> None:
    windows.read(0, 0, 150)
    windows.memory.note(0, 150)
    expected = windows.read(0, 150, 300)
    push_out(windows)
    assert [windows.memory.usable(0, 300, length) for length in (149, 150, 300)] == [149, 150, 300]
    assert windows.memory.usable(0, 300, 148) == 0
    for slot, length in ((1, 149), (2, 150)):
        assert windows.memory.share(0, slot, length)
        assert windows.context.last(slot) == length - 1
        np.testing.assert_allclose(windows.read(slot, length, 300), expected, atol=NOISE)
    assert not windows.memory.share(0, 3, 120)
    assert windows.context.last(3) == -1


def test_a_prefix_whose_window_was_cut_away_is_not_gone_on_from(windows: Bench) -> None:
    windows.read(0, 0, 300)
    push_out(windows)
    windows.memory.trim(0, 60)
    assert windows.context.first(0) == -1
    assert windows.memory.usable(0, 60, 60) == 0


def test_ends_are_noted_until_a_window_is_too_large(
    windows: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    windows.read(0, 0, 100)
    windows.memory.note(0, 100)
    assert windows.memory.notes_ends
    (state,) = windows.memory.checkpoints(0).values()
    monkeypatch.setattr("llmd.engine.memory._QUICK_BYTES", state.nbytes - 1)
    windows.memory.note(0, 100)
    monkeypatch.undo()
    windows.memory.note(0, 100)
    assert not windows.memory.notes_ends


def test_trimmed_sequences_keep_the_checkpoints_before(windows: Bench) -> None:
    windows.read(0, 0, 100)
    windows.memory.note(0, 100)
    windows.read(0, 100, 200)
    windows.memory.note(0, 200)
    windows.memory.trim(0, 150)
    assert sorted(windows.memory.checkpoints(0)) == [100]


def test_windows_of_their_own_leave_room_for_all_sequences(swa_model: Path) -> None:
    bench = Bench(swa_model, NARROW)
    expected = bench.read(0, 0, 300)
    bench.memory.trim(0, 0)
    bench.read(0, 0, 200)
    # all of them hold the same 200 tokens, 40 less than there are cells for windows
    for slot in range(1, 6):
        assert bench.memory.share(0, slot, 200)
    for at in range(200, 300, 20):
        logits = [bench.read(slot, at, at + 20) for slot in range(6)]
    for one in logits:
        np.testing.assert_allclose(one, expected, atol=NOISE)
    bench.close()
