"""Prediction layers of made-up models, driven as the step loop drives them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from llmd.engine import bindings
from llmd.engine.bindings import Batch, Context, ContextShape, Model
from llmd.engine.drafting import Drafter, Trust
from llmd.engine.drafting.mtp import PredictionLayer
from tests.fakes.random_prediction import write_random_prediction

SHAPE = ContextShape(tokens=1024, sequences=4, batch=64, micro_batch=64, threads=1, outputs=32)
SLOTS = {1: 2, 2: 0, 3: 3}
"""llama.cpp's ids of the texts, other than ours."""


class Loop:
    """Decodes texts greedily, several at a time, and lets a drafter look on."""

    def __init__(self, model: Model) -> None:
        context = Context.create(model, SHAPE)
        assert context
        layer = Context.create(model, SHAPE, predicting=context)
        assert layer
        self.context = context
        self.layer = layer
        self.drafter = PredictionLayer(context, layer, sequences=3, batch=64)
        self.texts: dict[int, list[int]] = {}
        self.held: dict[int, int] = {}
        self._batch = Batch(64)

    def start(self, sequence: int, prompt: list[int], cached: int = 0) -> None:
        self.texts[sequence] = list(prompt)
        self.held[sequence] = cached
        if cached:
            self._decode([(sequence, prompt[:cached], 0)], watched=False)
        self.drafter.start(sequence, prompt)
        for begin in range(cached, len(prompt), 50):
            part = prompt[begin : begin + 50]
            choices = self._decode([(sequence, part, begin)])[sequence]
            self.held[sequence] += len(part)
        self._learn(sequence, choices[-1:])

    def step(self, drafts: dict[int, list[int]]) -> dict[int, list[int]]:
        """Check drafts; return what each text has gone on with."""
        rows = {s: [self.texts[s][-1], *draft] for s, draft in drafts.items()}
        choices = self._decode([(s, tokens, self.held[s]) for s, tokens in rows.items()])
        added = {}
        for sequence, draft in drafts.items():
            right = 0
            while right < len(draft) and choices[sequence][right] == draft[right]:
                right += 1
            added[sequence] = choices[sequence][: right + 1]
            self.held[sequence] += right + 1
            self.context.remove(SLOTS[sequence], self.held[sequence], -1)
            self._learn(sequence, added[sequence])
        return added

    def _learn(self, sequence: int, tokens: list[int]) -> None:
        self.texts[sequence] += tokens
        self.drafter.observe(sequence, tokens)

    def _decode(
        self, runs: list[tuple[int, list[int], int]], *, watched: bool = True
    ) -> dict[int, list[int]]:
        choices: dict[int, list[int]] = {}
        end = 0
        for sequence, tokens, position in runs:
            end = self._batch.fill(end, tokens, position, SLOTS[sequence])
        # a prompt asks for its last row only, as in the engine
        lengths = [len(tokens) if len(tokens) < 20 else 1 for _, tokens, _ in runs]
        at = 0
        for (_, tokens, _), length in zip(runs, lengths, strict=True):
            at += len(tokens)
            self._batch.outputs[at - length : at] = 1
        assert self.context.decode(self._batch, end) == 0
        if watched:
            self.drafter.decoded(self._batch, end, {SLOTS[s]: s for s in SLOTS})
        rows = self.context.logits(sum(lengths)).argmax(axis=1).tolist()
        for (sequence, _, _), length in zip(runs, lengths, strict=True):
            choices[sequence], rows = rows[:length], rows[length:]
        return choices

    def close(self) -> None:
        self.drafter.close()
        self.context.close()


MakeLoop = Callable[[str], Loop]


@pytest.fixture
def make(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MakeLoop]:
    bindings.start_backend(lambda *_: None)
    opened: list[tuple[Loop, Model]] = []

    def build(kind: str) -> Loop:
        path = write_random_prediction(tmp_path_factory.mktemp("models") / "m.gguf", kind)
        model = Model.load(str(path), gpu_layers=0, progress=lambda _: None, prediction=True)
        assert model
        loop = Loop(model)
        opened.append((loop, model))
        return loop

    yield build
    for loop, model in opened:
        loop.close()
        model.close()


def test_a_faithful_layer_is_always_right(make: MakeLoop) -> None:
    loop = make("faithful")
    drafter: Drafter = loop.drafter
    loop.start(1, [5, 6, 7, 8])
    for _ in range(8):
        draft = drafter.propose({1: 5})[1]
        assert draft.trust is Trust.MODEL
        assert len(draft.tokens) == 5
        assert loop.step({1: draft.tokens})[1][:5] == draft.tokens


def test_each_token_is_paired_with_the_hidden_state_before_it(make: MakeLoop) -> None:
    loop = make("echo")
    loop.start(1, [5, 6, 7, 8])
    for length in (1, 3, 2, 4):
        last = loop.texts[1][-1]
        draft = loop.drafter.propose({1: length})[1].tokens
        assert draft[0] == last
        # some of the time the draft is longer than what is right, some of the time it is not used
        loop.step({1: draft if length % 2 else []})


def test_the_same_draft_comes_again_while_nothing_happens(make: MakeLoop) -> None:
    loop = make("random")
    loop.start(1, [5, 6, 7, 8])
    assert loop.drafter.propose({1: 4}) == loop.drafter.propose({1: 4})


def test_wrong_drafts_leave_nothing_behind(make: MakeLoop) -> None:
    crooked, straight = make("random"), make("random")
    for loop in (crooked, straight):
        loop.start(1, list(range(300, 330)))
    for number in range(6):
        crooked.step({1: [number, number + 1, number + 2]})
        if number == 3:
            crooked.drafter.propose({1: 3})
    while len(straight.texts[1]) < len(crooked.texts[1]):
        straight.step({1: []})
    assert straight.texts == crooked.texts
    assert straight.drafter.propose({1: 4}) == crooked.drafter.propose({1: 4})


def test_several_texts_are_drafted_in_one_call(make: MakeLoop) -> None:
    together, alone = make("faithful"), make("faithful")
    prompts = {1: [5, 6, 7], 2: list(range(100, 160)), 3: [9]}
    for sequence, prompt in prompts.items():
        together.start(sequence, prompt)
        alone.start(sequence, prompt)
    drafts = together.drafter.propose({1: 2, 2: 4, 3: 3})
    assert {s: len(draft.tokens) for s, draft in drafts.items()} == {1: 2, 2: 4, 3: 3}
    for sequence, draft in drafts.items():
        assert alone.drafter.propose({sequence: len(draft.tokens)}) == {sequence: draft}


def test_a_long_prompt_is_read_in_parts(make: MakeLoop) -> None:
    loop = make("faithful")
    loop.start(1, [n % 900 for n in range(700)])
    held = loop.drafter._texts[1]
    assert len(held.tokens) <= 256 + 2 * 64
    assert len(loop.drafter.propose({1: 3})[1].tokens) == 3
    assert held.first == 1
    assert held.read == 701


def test_a_prefix_from_the_cache_is_done_without(make: MakeLoop) -> None:
    loop = make("faithful")
    loop.start(1, list(range(40, 80)), cached=30)
    assert loop.drafter._texts[1].first == 31
    draft = loop.drafter.propose({1: 3})[1].tokens
    assert loop.step({1: draft})[1][:3] == draft


def test_tokens_read_twice_count_once(make: MakeLoop) -> None:
    loop = make("faithful")
    loop.start(1, list(range(40, 60)))
    loop.step({1: []})
    # preempted, and computed again from the start
    text = loop.texts[1]
    loop.context.remove(SLOTS[1])
    loop._decode([(1, text[:-1], 0)])
    assert loop.drafter._texts[1].ready
    draft = loop.drafter.propose({1: 3})[1].tokens
    assert loop.step({1: draft})[1][:3] == draft


def test_a_full_cache_costs_drafts_and_nothing_else(make: MakeLoop) -> None:
    loop = make("faithful")
    for sequence in (1, 2, 3):
        loop.start(sequence, [n % 900 for n in range(300)])
        loop.drafter.propose({sequence: 2})
    statuses = iter([1])
    decode = loop.layer.decode
    loop.layer.decode = lambda batch, count: next(statuses, None) or decode(batch, count)  # type: ignore[method-assign]
    assert loop.drafter.propose({1: 2, 2: 2}) == {}
    assert loop.drafter.propose({1: 2}) == {}
    loop.step({1: [], 2: []})
    drafts = loop.drafter.propose({1: 2, 2: 2})
    assert all(len(draft.tokens) == 2 for draft in drafts.values())
    assert sorted(drafts) == [1, 2]


def test_unknown_and_ended_texts_are_ignored(make: MakeLoop) -> None:
    loop = make("faithful")
    loop.start(1, [5, 6])
    loop.drafter.stop(1)
    loop.drafter.stop(1)
    loop.step({1: []})
    assert loop.drafter.propose({1: 3, 9: 1}) == {}
    for sequence in range(10, 20):
        loop.drafter.start(sequence, [1])
    assert len(loop.drafter._texts) == 3
