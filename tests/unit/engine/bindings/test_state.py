"""What the memories of llama.cpp can and cannot do, kind by kind: the prefix cache rests on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from llmd.engine.bindings import Batch, Context, ContextShape, Floats, Model, start_backend
from tests.fakes.random_memories import WINDOW

SHAPE = ContextShape(tokens=1024, sequences=4, batch=128, micro_batch=128, threads=1, outputs=4)
KINDS = ("tiny", "swa", "recurrent", "hybrid")
WITH_STATES = ("recurrent", "hybrid")
TEXT = np.random.default_rng(1).integers(0, 900, 320).tolist()
MORE = np.random.default_rng(2).integers(0, 900, 20).tolist()
"""Tokens of a prompt, and of what may follow it."""

MakeContext = Callable[[], Context]


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def model(kind: str, request: pytest.FixtureRequest) -> Iterator[Model]:
    path: Path = request.getfixturevalue(f"{kind}_model")
    start_backend(lambda *_: None)
    model = Model.load(str(path), gpu_layers=0, progress=lambda _: None)
    assert model
    yield model
    model.close()


@pytest.fixture
def make(model: Model) -> Iterator[MakeContext]:
    made = []

    def create() -> Context:
        context = Context.create(model, SHAPE)
        assert context
        made.append(context)
        return context

    yield create
    for context in made:
        context.close()


def read(context: Context, tokens: list[int], position: int = 0, sequence: int = 0) -> Floats:
    """Decode tokens; return the logits after the last one."""
    batch = Batch(SHAPE.batch)
    for at in range(0, len(tokens), SHAPE.batch):
        end = batch.fill(0, tokens[at : at + SHAPE.batch], position + at, sequence)
        batch.outputs[end - 1] = 1
        assert context.decode(batch, end) == 0
    return context.logits(1)[0].copy()


def expected(make: MakeContext, length: int, more: list[int] = MORE) -> Floats:
    """Return the logits after TEXT[:length] and more, in a context that saw nothing else."""
    context = make()
    read(context, TEXT[:length])
    return read(context, more, length)


def test_a_model_tells_its_kind_of_memory(model: Model, kind: str) -> None:
    assert model.swa_window == (WINDOW if kind == "swa" else 0)
    assert model.is_recurrent == (kind == "recurrent")
    assert model.is_hybrid == (kind == "hybrid")


def test_a_copy_of_a_whole_sequence_goes_on_like_its_source(make: MakeContext) -> None:
    context = make()
    read(context, TEXT)
    context.copy(0, 1)
    wanted = expected(make, len(TEXT))
    assert context.last(1) == len(TEXT) - 1
    assert np.array_equal(read(context, MORE, len(TEXT), 1), wanted)
    assert np.array_equal(read(context, MORE, len(TEXT), 0), wanted)
    context.remove(1)
    assert (context.first(1), context.last(1)) == (-1, -1)
    assert context.last(0) == len(TEXT) + len(MORE) - 1


def test_a_copy_of_a_prefix_is_right_without_states_only(make: MakeContext, kind: str) -> None:
    context = make()
    read(context, TEXT)
    context.copy(0, 1, 0, 200)
    if kind == "recurrent":
        assert context.last(1) == len(TEXT) - 1  # the whole, whatever was asked for
        return
    assert context.last(1) == 199
    right = np.array_equal(read(context, MORE, 200, 1), expected(make, 200))
    assert right == (kind != "hybrid")


def test_a_suffix_can_be_removed_without_states_only(make: MakeContext, kind: str) -> None:
    context = make()
    read(context, TEXT)
    removed = context.remove(0, 200, -1)
    assert removed == (kind not in WITH_STATES)
    if removed:
        assert (context.first(0), context.last(0)) == (0, 199)
        assert np.array_equal(read(context, MORE, 200), expected(make, 200))
    else:
        assert (context.first(0), context.last(0)) == (len(TEXT) - 1, len(TEXT) - 1)


def test_a_saved_sequence_goes_on_in_another_context(make: MakeContext) -> None:
    context, other = make(), make()
    read(context, TEXT)
    state = context.state_save(0)
    assert state.nbytes == context.state_size(0)
    read(other, TEXT[:50], 0, 3)
    assert other.state_load(2, state)
    assert other.last(2) == len(TEXT) - 1
    assert np.array_equal(read(other, MORE, len(TEXT), 2), expected(make, len(TEXT)))
    assert other.last(3) == 49


def test_a_restored_window_can_be_cut_back_by_one_token(make: MakeContext, kind: str) -> None:
    context = make()
    for back in (1, 2):
        length = len(TEXT) - back
        read(context, TEXT)
        state = context.state_save(0)
        if kind not in WITH_STATES:  # decoded in the same pieces, for those change the last bits
            assert context.remove(0, length, -1)
            wanted = read(context, TEXT[length:], length)
        assert context.state_load(0, state)
        assert context.first(0) == {"tiny": 0, "swa": len(TEXT) - WINDOW}.get(kind, len(TEXT) - 1)
        assert context.remove(0, length, -1) == (kind not in WITH_STATES)
        if kind not in WITH_STATES:
            # the rule by which a cut is known to be right: llama.cpp does not say so
            whole = kind == "tiny" or context.first(0) <= max(0, length - WINDOW + 1)
            assert np.array_equal(read(context, TEXT[length:], length), wanted) == whole
            assert whole == (kind == "tiny" or back == 1)
        context.clear()


def test_a_checkpoint_leads_back_to_where_it_was_taken(make: MakeContext, kind: str) -> None:
    context = make()
    read(context, TEXT[:200])
    checkpoint = context.state_save(0, partial=True)
    # LLAMA_STATE_SEQ_FLAGS_PARTIAL_ONLY
    assert (checkpoint.nbytes < context.state_size(0)) == (kind in {"swa", "hybrid"})
    read(context, TEXT[200:], 200)
    assert context.state_load(0, checkpoint, partial=True)
    assert context.remove(0, 200, -1)
    assert context.last(0) == 199
    assert np.array_equal(read(context, MORE, 200), expected(make, 200))


def test_a_checkpoint_branches_off_a_copy_and_leaves_the_source(make: MakeContext) -> None:
    context = make()
    read(context, TEXT[:200])
    checkpoint = context.state_save(0, partial=True)
    read(context, TEXT[200:], 200)
    context.copy(0, 1)
    assert context.state_load(1, checkpoint, partial=True)
    assert context.remove(1, 200, -1)
    assert np.array_equal(read(context, MORE, 200, 1), expected(make, 200))
    assert np.array_equal(read(context, MORE, len(TEXT), 0), expected(make, len(TEXT)))


def test_a_refused_state_leaves_its_sequence_empty(make: MakeContext) -> None:
    context = make()
    read(context, TEXT)
    read(context, TEXT[:100], 0, 1)
    cut = context.state_save(0)[:-64].copy()
    assert not context.state_load(1, cut)
    assert context.last(1) == -1
    assert context.last(0) == len(TEXT) - 1
    assert np.array_equal(read(context, MORE, len(TEXT)), expected(make, len(TEXT)))


def test_a_state_that_finds_no_room_is_refused(make: MakeContext, kind: str) -> None:
    context = make()
    for start in (0, 320):
        read(context, TEXT, start)
    state = context.state_save(0)
    # a recurrent state takes one cell, and there is one for each sequence
    assert context.state_load(1, state) == (kind == "recurrent")
    assert context.last(1) == (639 if kind == "recurrent" else -1)
    assert context.last(0) == 639


def test_every_sequence_may_share_one_state(make: MakeContext) -> None:
    context = make()
    read(context, TEXT[:100])
    for target in range(1, SHAPE.sequences):
        context.copy(0, target)
    rows = [read(context, MORE, 100, sequence) for sequence in range(SHAPE.sequences)]
    assert all(np.array_equal(rows[0], row) for row in rows[1:])
