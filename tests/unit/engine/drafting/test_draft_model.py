"""The built-in model drafts for itself: all it says greedily must turn out right."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from llmd.engine import bindings
from llmd.engine.bindings import Batch, Context, ContextShape, Model
from llmd.engine.drafting import Drafter, Trust
from llmd.engine.drafting.draft_model import DraftModel, check_vocabularies
from llmd.errors import ConfigInvalid
from tests.fakes.random_model import write_random_model

SHAPE = ContextShape(tokens=512, sequences=3, batch=64, micro_batch=64, threads=1, outputs=3)


@pytest.fixture(scope="module")
def model(tiny_model: Path) -> Iterator[Model]:
    bindings.start_backend(lambda *_: None)
    model = Model.load(str(tiny_model), gpu_layers=0, progress=lambda _: None)
    assert model
    yield model
    model.close()


@pytest.fixture
def context(model: Model) -> Iterator[Context]:
    context = Context.create(model, SHAPE)
    assert context
    yield context
    context.close()


@pytest.fixture
def drafter(model: Model, context: Context) -> DraftModel:
    return DraftModel(model, context, sequences=3, batch=64, size=model.vocab.size)


def question(model: Model, text: str) -> list[int]:
    chat = f"<|im_start|>user\n{text}<|im_end|>\n<|im_start|>assistant\n"
    return model.vocab.tokenize(chat, add_special=True, parse_special=True)


@pytest.fixture(scope="module")
def answers(model: Model) -> dict[str, list[int]]:
    """Greedy answers to some questions, computed without any drafting."""
    context = Context.create(model, SHAPE)
    assert context
    batch = Batch(64)
    found = {}
    for country in ("France", "Japan", "Italy"):
        text = f"What is the capital of {country}?"
        tokens = question(model, text)
        held, answer = 0, list[int]()
        while len(answer) < 12:
            new = [*tokens, *answer][held:]
            end = batch.fill(0, new, held, 0)
            batch.outputs[end - 1] = 1
            assert context.decode(batch, end) == 0
            held += len(new)
            answer.append(int(context.logits(1)[0].argmax()))
        found[text] = answer
        context.remove(0)
    context.close()
    return found


def test_it_is_a_drafter(drafter: DraftModel) -> None:
    as_drafter: Drafter = drafter
    assert as_drafter.propose({1: 4}) == {}


def test_it_drafts_what_the_model_says(
    drafter: DraftModel, model: Model, answers: dict[str, list[int]]
) -> None:
    for number, (text, answer) in enumerate(answers.items()):
        drafter.start(number, question(model, text))
        drafter.observe(number, answer[:1])
    drafts = drafter.propose(dict.fromkeys(range(3), 5))
    assert all(draft.trust is Trust.MODEL for draft in drafts.values())
    for number, answer in enumerate(answers.values()):
        assert drafts[number].tokens == answer[1 : 1 + len(drafts[number].tokens)]
    assert sum(len(draft.tokens) for draft in drafts.values()) >= 9


def test_it_keeps_in_step_whatever_is_accepted(
    drafter: DraftModel, model: Model, answers: dict[str, list[int]]
) -> None:
    text, answer = next(iter(answers.items()))
    prompt = question(model, text)
    drafter.start(1, prompt)
    # what the target says differs from the draft every time: nothing of it may stay behind
    strays = [[answer[0]], [7, 8], [answer[3]], answer[:4]]
    text_so_far = list(prompt)
    for stray in strays:
        drafter.propose({1: 4})
        drafter.observe(1, stray)
        text_so_far += stray
    after = drafter.propose({1: 4}).get(1)
    drafter.stop(1)
    drafter.start(2, text_so_far)
    fresh = drafter.propose({2: 4}).get(2)
    assert after == fresh


def test_accepted_tokens_are_not_decoded_again(
    drafter: DraftModel, model: Model, answers: dict[str, list[int]]
) -> None:
    text, answer = next(iter(answers.items()))
    prompt = question(model, text)
    drafter.start(1, [*prompt, answer[0]])
    draft = drafter.propose({1: 4})[1].tokens
    assert len(draft) >= 2
    drafter.observe(1, answer[1 : 1 + len(draft)])
    counts: list[int] = []
    decode = drafter._context.decode
    drafter._context.decode = lambda batch, count: counts.append(count) or decode(batch, count)  # type: ignore[method-assign,func-returns-value]
    drafter.propose({1: 1})
    assert counts == [1]


def test_a_draft_of_an_unchanged_text_is_the_same_again(
    drafter: DraftModel, model: Model, answers: dict[str, list[int]]
) -> None:
    text = next(iter(answers))
    drafter.start(1, question(model, text))
    assert drafter.propose({1: 4}) == drafter.propose({1: 4}) != {}


def test_long_prompts_are_read_in_several_calls_and_do_not_hold_up_others(
    drafter: DraftModel, model: Model, answers: dict[str, list[int]]
) -> None:
    text, answer = next(iter(answers.items()))
    prompt = question(model, text)
    drafter.start(1, [5] * 150 + prompt)
    drafter.start(2, [*prompt, answer[0]])
    first = drafter.propose({1: 2, 2: 2})
    assert list(first) == [2]
    later = [drafter.propose({1: 2}) for _ in range(4)]
    assert later[0] == {}
    assert 1 in later[-1]


def test_a_full_cache_costs_drafts_and_nothing_else(drafter: DraftModel) -> None:
    for number, length in ((1, 300), (2, 200), (3, 100)):
        drafter.start(number, [5] * length)
    for _ in range(20):
        drafter.propose({1: 3, 2: 3, 3: 3})
    # the longest gave way, so that the others fit
    assert 1 not in drafter._texts
    assert {2, 3} <= drafter._texts.keys()


def test_texts_beyond_its_sequences_or_its_vocabulary_are_not_followed(
    drafter: DraftModel, model: Model
) -> None:
    drafter.start(1, [-1, 5])
    drafter.start(2, [model.vocab.size])
    drafter.start(3, [5])
    drafter.observe(3, [model.vocab.size])
    drafter.start(4, [])
    assert drafter._texts == {}
    for number in range(5):
        drafter.start(number, [5])
    assert len(drafter._texts) == 3
    drafter.stop(0)
    drafter.start(7, [6])
    assert sorted(drafter._texts) == [1, 2, 7]


def test_a_text_near_the_end_of_the_context_gets_no_draft(drafter: DraftModel) -> None:
    drafter.start(1, [5] * 510)
    assert drafter.propose({1: 3}) == {}


def test_the_same_vocabulary_fits(model: Model) -> None:
    check_vocabularies(model.vocab, model.vocab)


def test_another_vocabulary_is_refused_with_the_difference(model: Model, tmp_path: Path) -> None:
    other = Model.load(
        str(write_random_model(tmp_path / "other.gguf")), gpu_layers=0, progress=lambda _: None
    )
    assert other
    with pytest.raises(ConfigInvalid, match="4096 and 151936") as caught:
        check_vocabularies(model.vocab, other.vocab)
    assert caught.value.param == "speculation.draft_model"
    other.close()


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("kind", -1, "tokenizers"),
        ("adds_bos", True, "begin"),
        ("adds_eos", True, "end"),
        ("size", 4000, None),
        ("size", 3000, "4096 and 3000"),
    ],
)
def test_each_difference_has_its_reason(
    model: Model, field: str, value: object, said: str | None
) -> None:
    @dataclass
    class Changed:
        kind = model.vocab.kind
        size = model.vocab.size
        adds_bos = model.vocab.adds_bos
        adds_eos = model.vocab.adds_eos
        bos = model.vocab.bos
        eos = model.vocab.eos
        text = staticmethod(model.vocab.text)

    changed = Changed()
    setattr(changed, field, value)
    if said is None:
        check_vocabularies(model.vocab, changed)  # type: ignore[arg-type]
        return
    with pytest.raises(ConfigInvalid, match=said):
        check_vocabularies(model.vocab, changed)  # type: ignore[arg-type]


def test_one_token_that_differs_is_named(model: Model) -> None:
    class Changed:
        def __getattr__(self, name: str) -> object:
            return getattr(model.vocab, name)

        def text(self, token: int) -> str:
            return "other" if token == 300 else model.vocab.text(token)

    with pytest.raises(ConfigInvalid, match=r"token 300 .* 'other'"):
        check_vocabularies(model.vocab, Changed())  # type: ignore[arg-type]
