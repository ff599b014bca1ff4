from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llmd.engine.loading import open_model
from llmd.engine.prefill_cap import PrefillCap
from llmd.engine.sampling import GreedySampler
from llmd.engine.sequence import Sequence, Timing
from llmd.engine.stopping import TextStream
from llmd.protocol.events import FinishReason, MissKind
from llmd.protocol.requests import Overflow, Sampling, Speculation
from tests.unit.engine.conftest import NEAR_TIE, Answers, Judge, MakeSequence, load_order

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


def test_what_a_call_took_decides_how_long_the_next_ones_are(
    engine: Engine, make: MakeSequence, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("llmd.engine.prefill_cap._LONGEST", 1e-9)
    monkeypatch.setattr(engine.scheduler, "cap", PrefillCap(256))
    engine.submit(make(1, raw="word " * 300, max_tokens=1))
    assert engine.scheduler.cap.within(256) == 256
    Answers().run(engine)
    assert engine.scheduler.cap.within(256) == 64


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
            logprobs=0,
        )
    )
    answers = Answers().run(engine)
    deltas = answers.deltas[1]
    tokens = [item.token for delta in deltas for item in delta.logprobs]
    raw = b"".join(engine.model.vocab.piece(token) for token in tokens)
    # at this temperature the model also writes bytes that are no text at all
    assert "".join(delta.text for delta in deltas) == raw.decode("utf-8", "replace")


def test_the_context_ends_an_answer_with_length(engine: Engine, make: MakeSequence) -> None:
    engine.submit(make(1, "word " * 1900, ignore_eos=True, max_tokens=10_000))
    answers = Answers().run(engine)
    assert answers.finished[1].reason is FinishReason.LENGTH
    usage = answers.finished[1].usage
    assert usage.prompt_tokens + usage.completion_tokens == engine.context_length + 1


def test_a_shift_forgets_the_middle_and_says_how_much(engine: Engine, make: MakeSequence) -> None:
    engine.submit(make(1, "word " * 1900, ignore_eos=True, max_tokens=400, overflow=Overflow.SHIFT))
    answers = Answers().run(engine)
    usage = answers.finished[1].usage
    assert usage.completion_tokens == 400
    assert usage.dropped_tokens > 0


def test_preemption_recomputes_and_changes_no_answer(
    tiny_model: Path, make: MakeSequence, judge: Judge
) -> None:
    order = load_order(tiny_model, context_length=256, kv_tokens=256, parallel=4)
    engine = open_model(order, lambda _: None, lambda *_: None).engine
    assert engine
    sequences = [
        make(number, f"What is the capital of {country}?", ignore_eos=True, max_tokens=120)
        for number, country in enumerate(list(CAPITALS)[:4])
    ]
    for sequence in sequences:
        engine.submit(sequence)
    preempted = 0
    answers = Answers()
    while not engine.idle:
        answers.take(engine)
        preempted += any(s.generated and not s.cached for s in engine.scheduler.waiting)
    engine.close()
    assert preempted
    for sequence in sequences:
        assert sequence.generated == 120
        assert judge.worst(sequence.tokens, sequence.prompt_tokens) < NEAR_TIE


words = st.sampled_from("The capital of France is Paris . one two three red".split())
branches = st.lists(words, min_size=1, max_size=40).map(" ".join)


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tree=st.lists(branches, min_size=1, max_size=4), data=st.data())
def test_answers_from_shared_prefixes_are_those_of_a_model_that_reads_everything(
    tree: list[str], data: st.DataObject, engine: Engine, make: MakeSequence, judge: Judge
) -> None:
    prompts = [tree[0]]
    for branch in tree[1:] * 2:
        before = data.draw(st.sampled_from(prompts))
        prompts.append(f"{before[: data.draw(st.integers(0, len(before)))]} {branch}")
    # all is drawn beforehand: a draw may end the example, and must leave no sequence behind
    lengths = [data.draw(st.integers(1, 12)) for _ in prompts]
    pauses = [data.draw(st.booleans()) for _ in prompts]
    sequences = []
    for number, prompt in enumerate(prompts):
        sequence = make(number, raw=prompt, ignore_eos=True, max_tokens=lengths[number])
        sequences.append(sequence)
        engine.submit(sequence)
        if pauses[number]:
            Answers().run(engine)
    Answers().run(engine)
    for sequence in sequences:
        assert judge.worst(sequence.tokens, sequence.prompt_tokens) < NEAR_TIE
    assert engine.scheduler.cache.used([]) <= engine.scheduler.cache.cells


def test_the_beginning_of_a_prompt_is_read_once_by_all_who_come_together(
    engine: Engine, make: MakeSequence
) -> None:
    system = "You answer briefly and always to the point. " * 30
    for number, country in enumerate(list(CAPITALS)[:6]):
        engine.submit(make(number, f"{system} What is the capital of {country}?"))
    read = engine.totals.read_tokens
    answers = Answers().run(engine)
    usages = [event.usage for event in answers.finished.values()]
    cached = sum(usage.cached_tokens for usage in usages)
    assert engine.totals.read_tokens - read == sum(u.prompt_tokens for u in usages) - cached
    assert sorted(usage.cached_tokens > usage.prompt_tokens / 2 for usage in usages) == [
        False,
        *[True] * 5,
    ]


def test_a_conversation_goes_on_from_what_it_said(engine: Engine, make: MakeSequence) -> None:
    first = make(1, "What is the capital of France?")
    engine.submit(first)
    text = Answers().run(engine).texts[1]
    turn = (
        f"<|im_start|>user\nWhat is the capital of France?<|im_end|>\n<|im_start|>assistant\n{text}"
    )
    again = make(2, raw=f"{turn}<|im_end|>\n<|im_start|>user\nAnd of Japan?<|im_end|>\n")
    engine.submit(again)
    usage = Answers().run(engine).finished[2].usage
    assert usage.cached_tokens >= first.prompt_tokens + first.generated - 2
    assert usage.cache_miss is None


def test_a_miss_is_explained(engine: Engine, make: MakeSequence) -> None:
    for number, day in enumerate(["Monday", "Tuesday"]):
        head = f"Nobody else begins like this: today is {day}. "
        engine.submit(make(number, raw=head + "one two three four five six seven. " * 8))
        answers = Answers().run(engine)
    miss = answers.finished[1].usage.cache_miss
    assert miss is not None
    assert miss.kind is MissKind.TIME
    assert "Tues" in miss.text
    assert "Mon" in miss.instead


def test_drafts_change_no_answer_and_are_counted(
    engine: Engine, make: MakeSequence, judge: Judge
) -> None:
    sequence = make(1, raw="one two three four five six. " * 12, ignore_eos=True, max_tokens=150)
    engine.submit(sequence)
    usage = Answers().run(engine).finished[1].usage
    assert usage.completion_tokens == 150
    assert 0 < usage.accepted_tokens <= usage.drafted_tokens
    assert judge.worst(sequence.tokens, sequence.prompt_tokens) < NEAR_TIE


def test_a_request_may_do_without_drafts(engine: Engine, make: MakeSequence) -> None:
    sequence = make(1, raw="one two three four five six. " * 12, ignore_eos=True, max_tokens=60)
    sequence.speculation = Speculation(mode="off")
    engine.submit(sequence)
    assert Answers().run(engine).finished[1].usage.drafted_tokens == 0


def test_those_who_wait_learn_when_their_place_changes(engine: Engine, make: MakeSequence) -> None:
    places = {n: engine.submit(make(n, "Hello", max_tokens=4 + n % 3)) for n in range(12)}
    assert [place.position for place in places.values()] == list(range(12))
    engine.step()
    news = dict(engine.news(time.monotonic()))
    assert set(news) == {8, 9, 10, 11}
    assert [news[n].position for n in range(8, 12)] == [0, 1, 2, 3]
    assert engine.news(time.monotonic()) == []
    figures = engine.figures(time.monotonic())
    assert (figures.running, figures.waiting) == (8, 4)
    Answers().run(engine)
    assert engine.figures(time.monotonic()).running == 0


def test_filled_up_steps_change_no_answer_and_leave_no_cells(
    engine: Engine, make: MakeSequence
) -> None:
    assert engine._filling.slot >= 0
    numbers = range(7)
    for number, country in zip(numbers, CAPITALS, strict=False):
        sequence = make(number, f"What is the capital of {country}?")
        sequence.speculation = Speculation("off")
        engine.submit(sequence)
    answers = Answers().run(engine)
    for number, capital in zip(numbers, CAPITALS.values(), strict=False):
        assert capital in answers.texts[number]
    assert engine._filling._trials[7].filled
    assert engine._context.last(engine._filling.slot) == -1


def test_reading_and_writing_have_threads_of_their_own(
    tiny_model: Path, make: MakeSequence, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = load_order(tiny_model, context_length=256, threads=1, prefill_threads=2)
    opened = open_model(order, lambda _: None, lambda *_: None)
    engine = opened.engine
    assert engine
    used: list[int] = []
    use = engine._context.use_threads
    monkeypatch.setattr(
        engine._context, "use_threads", lambda count: (used.append(count), use(count))
    )
    for request in (1, 2):  # several answers at a time, which llama.cpp takes for a prompt
        engine.submit(make(request, "Hello! Who are you?", ignore_eos=True, max_tokens=6))
    Answers().run(engine)
    assert used[0] == 2
    assert used[-4:] == [1, 1, 1, 1]
    opened.embedder.close()
    engine.close()


@pytest.mark.parametrize("kind", ["recurrent_model", "hybrid_model"])
def test_a_prompt_that_extends_that_of_a_running_answer_shares_its_state(
    request: pytest.FixtureRequest, kind: str
) -> None:
    path: Path = request.getfixturevalue(kind)
    opened = open_model(load_order(path, context_length=1024), lambda _: None, lambda *_: None)
    engine = opened.engine
    assert engine
    prompt = [5 + (7 * at) % 90 for at in range(300)]
    first, second = (
        Sequence(number, tokens, GreedySampler(), TextStream(), Timing(0.0), 20, ignore_eos=True)
        for number, tokens in enumerate((prompt, [*prompt, 11, 12, 13]))
    )
    engine.submit(first)
    while first.generated < 3:
        engine.step()
    engine.submit(second)
    answers = Answers().run(engine)
    assert second.reused == 296
    assert len(answers.finished) == 2
    opened.embedder.close()
    engine.close()
