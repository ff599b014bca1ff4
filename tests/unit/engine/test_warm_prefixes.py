"""Prefixes on the disk, with real contexts and the real engine of the built-in model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from llmd.engine.loading import open_model
from llmd.engine.sequence import Sequence
from llmd.engine.step import Engine
from llmd.engine.warm_prefixes import LEAST, Recalled
from llmd.protocol.frames import Shelf
from tests.unit.engine.conftest import NEAR_TIE, Answers, Judge, MakeSequence, load_order

Start = Callable[[], Engine]
LONG = "one two three four five six seven eight nine ten. " * 12


@pytest.fixture
def start(tiny_model: Path, tmp_path: Path) -> Iterator[Start]:
    """Return a function that starts an engine, as a restarted worker would."""
    engines: list[Engine] = []

    def starts() -> Engine:
        shelf = Shelf(str(tmp_path / "prefixes"), 1 << 30, 0)
        engine = open_model(
            load_order(tiny_model, shelf=shelf), lambda _: None, lambda *_: None
        ).engine
        assert engine
        engines.append(engine)
        return engine

    yield starts
    for engine in engines:
        engine.close()


def save(engine: Engine) -> int:
    """Save what is parked, as an idle worker does; return how many files there are for it."""
    assert engine.warm
    saved = 0
    while snapshot := engine.warm.next():
        saved += engine.warm.store(snapshot)
    assert not engine.warm.pending
    return saved


def answer(engine: Engine, sequence: Sequence) -> Answers:
    """Answer a prompt, asking the disk as the worker's thread would."""
    asked: list[tuple[int, list[int], int]] = []
    engine.fetch = lambda *question: asked.append(question)
    engine.submit(sequence)
    answers = Answers()
    answers.take(engine)
    for question in asked:
        assert engine.stuck
        assert engine.warm
        engine.recalled(engine.warm.look(*question))
    return answers.run(engine)


def test_a_conversation_goes_on_after_a_restart(
    start: Start, make: MakeSequence, judge: Judge
) -> None:
    first = start()
    said = answer(first, make(1, raw=LONG, max_tokens=12, ignore_eos=True))
    assert save(first) == 1
    second = start()
    continued = make(2, raw=f"{LONG}{said.texts[1]} And then?", max_tokens=12, ignore_eos=True)
    usage = answer(second, continued).finished[2].usage
    assert usage.cached_tokens >= said.finished[1].usage.prompt_tokens
    assert judge.worst(continued.tokens, continued.prompt_tokens) < NEAR_TIE


def test_what_is_saved_is_not_saved_again(start: Start, make: MakeSequence) -> None:
    engine = start()
    answer(engine, make(1, raw=LONG, max_tokens=12, ignore_eos=True))
    assert save(engine) == 1
    assert save(engine) == 0


def test_short_prompts_are_not_worth_a_file(start: Start, make: MakeSequence) -> None:
    engine = start()
    answer(engine, make(1, raw="one two three", max_tokens=12, ignore_eos=True))
    assert save(engine) == 0


def test_a_prompt_that_memory_has_is_not_looked_for(start: Start, make: MakeSequence) -> None:
    engine = start()
    answer(engine, make(1, raw=LONG, max_tokens=12, ignore_eos=True))
    asked = []
    engine.fetch = lambda *question: asked.append(question)
    engine.submit(make(2, raw=LONG, max_tokens=2))
    Answers().run(engine)
    assert asked == []


def test_requests_that_begin_alike_wait_for_one_look(start: Start, make: MakeSequence) -> None:
    first = start()
    answer(first, make(1, raw=LONG, max_tokens=12, ignore_eos=True))
    save(first)
    engine = start()
    asked: list[tuple[int, list[int], int]] = []
    engine.fetch = lambda *question: asked.append(question)
    for request in range(3):
        engine.submit(make(request, raw=f"{LONG} {request}", max_tokens=2))
    engine.step()
    assert len(asked) == 1
    assert engine.warm
    engine.recalled(engine.warm.look(*asked[0]))
    answers = Answers().run(engine)
    assert all(event.usage.cached_tokens > LEAST for event in answers.finished.values())


def test_a_request_that_left_meanwhile_does_no_harm(start: Start, make: MakeSequence) -> None:
    engine = start()
    engine.fetch = lambda *_: None
    engine.submit(make(1, raw=LONG, max_tokens=2))
    engine.step()
    assert engine.stuck
    engine.cancel(1)
    engine.recalled(Recalled(1))
    assert engine.idle


def test_running_answers_are_parked_before_the_end(start: Start, make: MakeSequence) -> None:
    engine = start()
    engine.fetch = None
    engine.submit(make(1, raw=LONG, max_tokens=200, ignore_eos=True))
    for _ in range(4):
        engine.step()
    engine.park_all()
    assert engine.idle
    assert save(engine) == 1


def test_what_the_cache_gives_up_comes_back_from_memory(
    tiny_model: Path, make: MakeSequence, judge: Judge
) -> None:
    # cells for one conversation at a time, and no disk
    order = load_order(tiny_model, context_length=512, kv_tokens=512, parallel=1)
    engine = open_model(order, lambda _: None, lambda *_: None).engine
    assert engine
    texts = [f"{word} {LONG}" for word in ("First", "Second", "Third")]
    for request, text in enumerate(texts):
        answer(engine, make(request, raw=text, max_tokens=4, ignore_eos=True))
    again = make(9, raw=f"{texts[0]} And then?", max_tokens=12, ignore_eos=True)
    usage = answer(engine, again).finished[9].usage
    assert usage.cached_tokens > LEAST
    assert judge.worst(again.tokens, again.prompt_tokens) < NEAR_TIE
    engine.close()


def test_what_memory_gave_up_for_others_is_read_anew(tiny_model: Path, make: MakeSequence) -> None:
    order = load_order(tiny_model, context_length=512, kv_tokens=512, parallel=1)
    engine = open_model(order, lambda _: None, lambda *_: None).engine
    assert engine
    assert engine.warm
    texts = [f"{word} {LONG}" for word in ("First", "Second", "Third")]
    for request, text in enumerate(texts):
        answer(engine, make(request, raw=text, max_tokens=4, ignore_eos=True))
    assert engine.warm.shrink(2**40) > 0
    assert engine.warm.shrink(1) == 0
    again = make(9, raw=f"{texts[0]} And then?", max_tokens=2, ignore_eos=True)
    assert answer(engine, again).finished[9].usage.cached_tokens <= LEAST
    engine.close()


def put_by(engine: Engine) -> int:
    """Do what an idle worker does first; return how many prefixes it copied."""
    assert engine.warm
    copied = 0
    while engine.warm.put_by():
        copied += 1
    return copied


def test_what_is_in_the_way_is_copied_while_nothing_else_is_to_do(
    start: Start, make: MakeSequence
) -> None:
    engine = start()
    assert engine.warm
    for request, word in enumerate(("First", "Second")):
        answer(engine, make(request, raw=f"{word} {LONG}", max_tokens=4, ignore_eos=True))
        assert put_by(engine) == 1
    kept = engine.warm.kept
    answer(engine, make(3, raw="Something else.", max_tokens=2, ignore_eos=True))
    assert len(engine.scheduler.cache.tree.parked) == 1
    assert engine.warm.kept == kept
    again = make(9, raw=f"First {LONG} And then?", max_tokens=2, ignore_eos=True)
    assert answer(engine, again).finished[9].usage.cached_tokens > LEAST


def test_what_was_put_by_is_saved_once(start: Start, make: MakeSequence) -> None:
    engine = start()
    answer(engine, make(1, raw=LONG, max_tokens=12, ignore_eos=True))
    assert put_by(engine) == 1
    assert save(engine) == 1
    assert (put_by(engine), save(engine)) == (0, 0)


def test_nothing_is_put_by_where_memory_is_full(tiny_model: Path, make: MakeSequence) -> None:
    order = load_order(tiny_model, shelf_memory=1000)
    engine = open_model(order, lambda _: None, lambda *_: None).engine
    assert engine
    answer(engine, make(1, raw=LONG, max_tokens=12, ignore_eos=True))
    assert put_by(engine) == 0
    engine.close()
