from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from llmd.engine.loading import open_model
from llmd.protocol.events import FinishReason
from llmd.protocol.requests import Overflow, Sampling
from tests.unit.engine.conftest import Answers, MakeSequence, load_order

if TYPE_CHECKING:
    from pathlib import Path

    from llmd.engine.step import Engine

CAPITALS = {
    "France": "Paris", "Japan": "Tokyo", "Italy": "Rome", "Spain": "Madrid", "Germany": "Berlin",
    "Norway": "Oslo", "Egypt": "Cairo", "Kenya": "Nairobi", "Cuba": "Havana", "Peru": "Lima",
}  # fmt: skip


def test_answers_and_reports_usage(engine: Engine, make: MakeSequence) -> None:
    engine.submit(make(1, "What is the capital of France?"))
    answers = Answers().run(engine)
    assert answers.texts[1] == "The capital of France is Paris."
    assert answers.finished[1].reason is FinishReason.STOP
    usage = answers.finished[1].usage
    assert (usage.prompt_tokens, usage.completion_tokens) == (15, 8)
    assert usage.prefill_seconds > 0


def test_greedy_answers_are_the_same_alone_and_in_a_full_batch(
    engine: Engine, make: MakeSequence
) -> None:
    alone = {}
    for number, country in enumerate(CAPITALS):
        engine.submit(make(number, f"What is the capital of {country}?"))
        alone[number] = Answers().run(engine).texts[number]
    for number, country in enumerate(CAPITALS):
        engine.submit(make(number, f"What is the capital of {country}?"))
    assert Answers().run(engine).texts == alone
    assert all(capital in alone[number] for number, capital in enumerate(CAPITALS.values()))


def test_a_request_that_joins_later_changes_no_running_answer(
    engine: Engine, make: MakeSequence
) -> None:
    engine.submit(make(1, "What is the capital of France?"))
    answers = Answers()
    for _ in range(3):
        answers.take(engine)
    engine.submit(make(2, "What is the capital of Japan?"))
    answers.run(engine)
    assert answers.texts == {
        1: "The capital of France is Paris.",
        2: "The capital of Japan is Tokyo.",
    }


def test_streams_flow_while_a_long_prompt_is_read(engine: Engine, make: MakeSequence) -> None:
    engine.submit(make(1, "Hello", ignore_eos=True, max_tokens=30))
    answers = Answers()
    answers.take(engine)
    engine.submit(make(2, "word " * 900, max_tokens=1))
    while 2 not in answers.finished:
        before = answers.texts[1]
        answers.take(engine)
        if 1 not in answers.finished:
            assert len(answers.texts[1]) >= len(before)
    assert answers.deltas[1], "the stream said nothing"
    steps_with_text = len(answers.deltas[1])
    assert steps_with_text >= 10
    answers.run(engine)


def test_max_tokens_ends_with_length(engine: Engine, make: MakeSequence) -> None:
    engine.submit(make(1, "What is the capital of France?", max_tokens=3))
    answers = Answers().run(engine)
    assert answers.texts[1] == "The capital of"
    assert answers.finished[1].reason is FinishReason.LENGTH
    assert answers.finished[1].usage.completion_tokens == 3


def test_a_stop_text_ends_the_answer_and_is_never_shown(engine: Engine, make: MakeSequence) -> None:
    engine.submit(make(1, "What is the capital of France?", stops=("is Par",)))
    answers = Answers().run(engine)
    assert answers.texts[1] == "The capital of France "
    assert answers.finished[1].stop_text == "is Par"


def test_ignore_eos_goes_on(engine: Engine, make: MakeSequence) -> None:
    engine.submit(make(1, "What is the capital of France?", ignore_eos=True, max_tokens=60))
    assert Answers().run(engine).finished[1].usage.completion_tokens == 60


def test_a_cancelled_sequence_leaves_at_once_and_alone(engine: Engine, make: MakeSequence) -> None:
    engine.submit(make(1, "x " * 700))
    engine.submit(make(2, "What is the capital of France?"))
    engine.step()
    assert engine.cancel(1)
    assert not engine.cancel(1)
    answers = Answers().run(engine)
    assert set(answers.texts) == {2}
    assert "Paris" in answers.texts[2]


def test_logprobs_explain_every_token(engine: Engine, make: MakeSequence) -> None:
    engine.submit(make(1, "What is the capital of France?", logprobs=3))
    answers = Answers().run(engine)
    items = [item for delta in answers.deltas[1] for item in delta.logprobs]
    assert b"".join(item.piece for item in items).decode() == answers.texts[1]
    for item in items:
        assert len(item.top) == 3
        assert item.top[0][0] == item.token
        assert item.logprob == pytest.approx(item.top[0][2])
        assert item.logprob <= 0


def test_chinese_comes_in_whole_characters(engine: Engine, make: MakeSequence) -> None:
    engine.submit(
        make(
            1,
            "法国的首都是哪里?",
            sampling=Sampling(temperature=1.5, seed=3),
            ignore_eos=True,
            max_tokens=80,
        )
    )
    answers = Answers().run(engine)
    assert "\N{REPLACEMENT CHARACTER}" not in "".join(
        delta.text for delta in answers.deltas[1][:-1]
    )


def test_the_context_ends_an_answer_with_length(engine: Engine, make: MakeSequence) -> None:
    engine.submit(make(1, "word " * 1900, ignore_eos=True, max_tokens=10_000))
    answers = Answers().run(engine)
    assert answers.finished[1].reason is FinishReason.LENGTH
    usage = answers.finished[1].usage
    assert usage.prompt_tokens + usage.completion_tokens == engine.context_length + 1


def test_a_shift_forgets_the_middle_and_says_how_much(engine: Engine, make: MakeSequence) -> None:
    engine.submit(
        make(1, "word " * 1900, ignore_eos=True, max_tokens=1500, overflow=Overflow.SHIFT)
    )
    answers = Answers().run(engine)
    usage = answers.finished[1].usage
    assert usage.completion_tokens == 1500
    assert usage.dropped_tokens > 0


def test_preemption_recomputes_and_changes_no_answer(tiny_model: Path, make: MakeSequence) -> None:
    def run(kv_tokens: int) -> tuple[dict[int, str], int]:
        order = load_order(tiny_model, context_length=256, kv_tokens=kv_tokens, parallel=4)
        engine = open_model(order, lambda _: None, lambda *_: None).engine
        assert engine
        for number, country in enumerate(list(CAPITALS)[:4]):
            question = f"What is the capital of {country}?"
            engine.submit(make(number, question, ignore_eos=True, max_tokens=120))
        preempted = 0
        answers = Answers()
        while not engine.idle:
            answers.take(engine)
            preempted += any(s.generated and not s.cached for s in engine.scheduler.waiting)
        engine.close()
        return answers.texts, preempted

    roomy, none = run(4096)
    tight, some = run(256)
    assert not none
    assert some
    assert tight == roomy
