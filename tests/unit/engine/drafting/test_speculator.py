"""Whole simulated decodes: what is gained, when it is off, and that no draft changes an answer."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmd.engine.drafting import Draft, NgramDrafter, Speculator, Trust
from llmd.protocol.models import Drafting
from llmd.protocol.requests import Speculation
from tests.unit.engine.drafting.simulation import (
    Next,
    Run,
    Stream,
    decode,
    flat,
    gain,
    scripted,
    serial,
    speculator,
    tiled,
)

WORDS = 5000


def text(length: int, seed: int = 1) -> list[int]:
    """Tokens with the repetitions of prose: frequent ones are much more frequent."""
    rng = random.Random(seed)
    return [int(WORDS ** rng.random()) for _ in range(length)]


def edited(source: Sequence[int], every: int, seed: int = 2) -> list[int]:
    """A text in which about one token in `every` is replaced, dropped or followed by new ones."""
    rng = random.Random(seed)
    result: list[int] = []
    for token in source:
        kind = rng.randrange(3 * every)
        result += {0: [WORDS + token], 1: [], 2: [token, WORDS + 1, WORDS + 2]}.get(kind, [token])
    return result


def stream(prompt: list[int], answer: list[int], **options: object) -> Stream:
    return Stream(prompt, len(answer), scripted(prompt, answer), **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(("cost", "least"), [(tiled, 3.0), (flat, 15.0)])
def test_copying_is_many_times_as_fast(cost: object, least: float) -> None:
    source = text(1200)
    ratio, _ = gain([stream([*source, 1], source)], cost, speculator())  # type: ignore[arg-type]
    assert ratio >= least


@pytest.mark.parametrize("every", [15, 30, 60])
def test_editing_a_text_is_at_least_1_6_times_as_fast(every: int) -> None:
    source = text(1500)
    ratio, run = gain([stream([*source, 1], edited(source, every))], tiled, speculator())
    assert ratio >= 1.6
    assert run.accepted > 0.5 * run.drafted


def test_text_without_repetition_costs_next_to_nothing() -> None:
    ratio, run = gain([stream(text(500), text(1500, seed=9))], tiled, speculator())
    assert ratio >= 0.97
    assert run.drafted < 200


def test_drafting_is_off_where_rows_cost_as_much_as_steps() -> None:
    source = text(800)
    ratio, run = gain([stream([*source, 1], source)], serial, speculator(longest=8))
    assert ratio >= 0.95
    assert sum(run.lengths[50:]) <= 0.2 * run.steps


def test_drafting_comes_back_when_the_text_begins_to_repeat() -> None:
    source = text(600)
    answer = [*text(600, seed=5), *source]
    _, run = gain([stream([*source, 1], answer)], tiled, speculator())
    assert run.accepted > 450


def test_a_prediction_is_used_though_the_prompt_lacks_it() -> None:
    source = text(800)
    wanted = edited(source, 40)
    ratio, _ = gain([stream([5, 6, 7], wanted, prediction=source)], tiled, speculator())
    assert ratio >= 1.6


def test_several_streams_share_the_rows_of_a_step() -> None:
    sources = [text(400, seed) for seed in range(4)]
    streams = [stream([*source, 1], source) for source in sources]
    ratio, run = gain(streams, flat, speculator(longest=32, rows=24))
    assert ratio > 3
    assert max(run.lengths) <= 24


def test_one_stream_that_copies_does_not_starve_the_others() -> None:
    source = text(600)
    plain = [stream(text(50, seed), text(300, seed + 100)) for seed in range(5, 8)]
    _, run = gain([stream([*source, 1], source), *plain], tiled, speculator())
    rows = [4 + length for length in run.lengths[:40]]
    assert sum(tiled(count) > 1.5 * tiled(4) for count in rows) <= 6


@pytest.mark.parametrize("wish", [Speculation("off"), Speculation(longest=0)])
def test_a_request_can_do_without(wish: Speculation) -> None:
    source = text(300)
    run = decode([stream([*source, 1], source, wish=wish)], flat, speculator())
    assert run.drafted == 0


def test_a_request_can_ask_for_short_drafts() -> None:
    source = text(300)
    wish = Speculation("ngram", 3)
    run = decode([stream([*source, 1], source, wish=wish)], flat, speculator())
    assert max(run.lengths) == 3


def test_a_mode_that_the_model_lacks_drafts_nothing() -> None:
    source = text(300)
    run = decode([stream([*source, 1], source, wish=Speculation("draft"))], flat, speculator())
    assert run.drafted == 0


class Oracle:
    """A draft model that is right about so many tokens in ten."""

    def __init__(self, target: Next, tenths: int) -> None:
        self.texts: dict[int, list[int]] = {}
        self._target = target
        self._tenths = tenths
        self._rng = random.Random(3)
        self.asked = 0

    def start(self, sequence: int, tokens: Sequence[int], prediction: Sequence[int] = ()) -> None:
        self.texts[sequence] = list(tokens)

    def propose(self, wanted: Mapping[int, int]) -> dict[int, Draft]:
        self.asked += 1
        drafts = {}
        for sequence, limit in wanted.items():
            draft: list[int] = []
            for _ in range(limit):
                right = self._target([*self.texts[sequence], *draft])
                draft.append(right if self._rng.randrange(10) < self._tenths else right + 1)
            drafts[sequence] = Draft(draft, Trust.MODEL)
        return drafts

    def observe(self, sequence: int, tokens: Sequence[int]) -> None:
        self.texts[sequence] += tokens

    def stop(self, sequence: int) -> None:
        self.texts.pop(sequence, None)

    def decoded(self, *_: object) -> None:
        pass

    def close(self) -> None:
        self.texts.clear()


def oracle_run(tenths: int, answer: list[int], prompt: list[int]) -> tuple[float, Run, Oracle]:
    drafter = Oracle(scripted(prompt, [*answer, *[0] * 100]), tenths)
    ratio, run = gain([stream(prompt, answer)], flat, speculator(drafter))
    assert drafter.texts == {}
    return ratio, run, drafter


def test_a_draft_model_speeds_up_what_lookup_cannot() -> None:
    ratio, run, _ = oracle_run(8, text(800, seed=4), text(50))
    assert ratio > 1.8
    assert run.accepted > 0.3 * run.drafted


def test_a_draft_model_that_is_always_wrong_is_left_alone() -> None:
    ratio, run, drafter = oracle_run(0, text(2000, seed=4), text(50))
    assert ratio > 0.95
    assert drafter.asked < 100
    assert run.accepted < 100


def test_lookup_goes_before_the_draft_model_where_it_is_sure() -> None:
    source = text(600)
    _, run, drafter = oracle_run(9, source, [*source, 1])
    assert drafter.asked < 0.5 * run.steps


def test_a_restarted_text_is_looked_up_anew() -> None:
    drafting = speculator()
    drafting.start(1, [1, 2, 3, 4, 5, 1, 2], Speculation())
    drafting.measured(1, 0.01)
    assert drafting.drafts({1: 2}, 1) == {1: [3, 4]}
    drafting.restart(1, [7, 8, 9, 7, 8])
    assert drafting.drafts({1: 2}, 1) == {1: [9, 7]}
    drafting.restart(2, [1])
    drafting.stop(1)
    drafting.stop(1)
    assert drafting.drafts({1: 2}, 1) == {}


def test_a_draft_that_the_call_did_not_carry_counts_for_nothing() -> None:
    drafting = speculator()
    drafting.start(1, [1, 2, 3, 4, 5, 1, 2], Speculation())
    drafting.measured(1, 0.01)
    assert drafting.drafts({1: 2}, 1)
    before = drafting._texts[1].rates.curve(Trust.WEAK, 8)
    assert drafting.settle(1, [9], drafted=0) == 0
    assert drafting._texts[1].rates.curve(Trust.WEAK, 8) == before


def test_unknown_sequences_are_ignored() -> None:
    drafting = speculator()
    drafting.measured(1, 0.01)
    assert drafting.drafts({5: 3}, 1) == {}
    assert drafting.settle(5, [1, 2], 0) == 0


def scrambled(modulus: int) -> Next:
    """A deterministic target that depends on the last three tokens, and so falls into loops."""
    return lambda tokens: hash(tuple(tokens[-3:])) % modulus


@settings(max_examples=60)
@given(
    st.lists(st.lists(st.integers(0, 5), min_size=1, max_size=30), min_size=1, max_size=3),
    st.integers(2, 6),
    st.sampled_from([tiled, flat, serial]),
    st.integers(1, 12),
    st.lists(st.integers(0, 5), max_size=10),
)
def test_whatever_is_drafted_answers_are_those_without_drafts(
    prompts: list[list[int]], modulus: int, cost: object, longest: int, prediction: list[int]
) -> None:
    target = scrambled(modulus)
    streams = [Stream(prompt, 60, target, prediction) for prompt in prompts]
    gain(streams, cost, speculator(longest=longest, rows=16))  # type: ignore[arg-type]


class Random:
    """A drafter that says anything."""

    def __init__(self, seed: int) -> None:
        self._rng = random.Random(seed)

    def start(self, sequence: int, tokens: Sequence[int], prediction: Sequence[int] = ()) -> None:
        pass

    def propose(self, wanted: Mapping[int, int]) -> dict[int, Draft]:
        return {
            sequence: Draft([self._rng.randrange(4) for _ in range(limit)], Trust.MODEL)
            for sequence, limit in wanted.items()
            if self._rng.randrange(3)
        }

    observe = stop = decoded = close = lambda *_: None


@settings(max_examples=40)
@given(st.integers(0, 1000), st.integers(2, 4))
def test_a_drafter_that_says_anything_changes_no_answer(seed: int, modulus: int) -> None:
    target = scrambled(modulus)
    drafting = Speculator(NgramDrafter(), Random(seed), Drafting(longest=8, rows=16), lambda: 0.0)
    gain([Stream([1, 2], 80, target), Stream([3], 50, target)], flat, drafting)


@pytest.mark.parametrize(
    ("configured", "asked", "drafts"),
    [
        ("auto", "auto", True),
        ("ngram", "auto", True),
        ("draft", "auto", False),
        ("draft", "ngram", True),
        ("auto", "off", False),
    ],
)
def test_the_configured_mode_counts_where_a_request_does_not_say(
    configured: str, asked: str, drafts: bool
) -> None:
    drafting = Speculator(NgramDrafter(), None, Drafting(configured), lambda: 0.0)
    drafting.start(1, [1, 2, 3, 4, 5, 1, 2], Speculation(asked))
    drafting.measured(1, 0.01)
    assert bool(drafting.drafts({1: 2}, 1)) is drafts
    drafting.close()


def test_it_says_what_requests_may_ask_for() -> None:
    assert speculator().modes == {"auto", "off", "ngram"}
    oracle = Oracle(scripted([], []), 1)
    assert speculator(oracle).modes == {"auto", "off", "ngram", "draft"}
    mtp = Speculator(NgramDrafter(), oracle, Drafting(), lambda: 0.0, "mtp")
    assert mtp.modes == {"auto", "off", "ngram", "mtp"}
