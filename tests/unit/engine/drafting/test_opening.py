"""Models opened with every way to speculate, answering through the real step loop."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from llmd.engine.drafting import Speculator, wants_prediction
from llmd.engine.loading import Opened, open_model
from llmd.engine.sampling import make_sampler
from llmd.engine.sequence import Sequence, Timing
from llmd.engine.stopping import TextStream
from llmd.errors import ConfigInvalid, CorruptFile
from llmd.protocol.events import Usage
from llmd.protocol.models import Drafting
from llmd.protocol.requests import Sampling, Speculation
from tests.fakes.random_model import write_random_model
from tests.fakes.random_prediction import write_random_prediction
from tests.unit.engine.conftest import Answers, load_order

Open = Callable[..., Opened]
COPY = "<|im_start|>user\nWhat is the capital of France?<|im_end|>\n<|im_start|>assistant\n"


@pytest.fixture
def open_with(tiny_model: Path) -> Iterator[Open]:
    """Return a function that opens a model with a way to speculate."""
    opened: list[Opened] = []

    def build(drafting: Drafting, path: Path = tiny_model) -> Opened:
        log: list[str] = []
        found = open_model(
            load_order(path, drafting=drafting, kv_tokens=2048, context_length=512),
            lambda _: None,
            lambda level, text: log.append(text) if level == "warning" else None,
        )
        opened.append(found)
        build.log = log  # type: ignore[attr-defined]
        return found

    yield build
    for found in opened:
        found.embedder.close()
        assert found.engine
        found.engine.close()


def speculator(opened: Opened) -> Speculator | None:
    assert opened.engine
    return opened.engine._speculator


def answer(
    opened: Opened,
    wish: Speculation = Speculation(),  # noqa: B008  frozen
    sampling: Sampling = Sampling(temperature=0),  # noqa: B008  frozen
    max_tokens: int = 80,
    times: int = 1,
) -> tuple[list[str], list[Usage]]:
    """Answer the same prompt several times at once, all the way to `max_tokens`."""
    engine, vocab = opened.engine, opened.model.vocab
    assert engine
    tokens = vocab.tokenize(COPY, add_special=True, parse_special=True)
    for number in range(times):
        sequence = Sequence(
            id=number,
            tokens=list(tokens),
            sampler=make_sampler(sampling, vocab, tokens, 512, ignore_eos=True),
            text=TextStream(()),
            timing=Timing(time.monotonic()),
            max_tokens=max_tokens,
            ignore_eos=True,
            speculation=wish,
        )
        engine.submit(sequence)
    answers = Answers().run(engine)
    return (
        [answers.texts[number] for number in range(times)],
        [answers.finished[number].usage for number in range(times)],
    )


@pytest.mark.parametrize(
    "sampling", [Sampling(temperature=0), Sampling(temperature=1.0, seed=5, repeat_penalty=1.1)]
)
def test_lookup_changes_no_answer(open_with: Open, sampling: Sampling) -> None:
    opened = open_with(Drafting())
    plain, _ = answer(opened, Speculation("off"), sampling)
    drafted, (usage,) = answer(opened, Speculation("ngram"), sampling)
    assert drafted == plain
    assert usage.completion_tokens == 80
    assert usage.accepted_tokens <= usage.drafted_tokens


def test_a_model_that_drafts_for_itself_is_mostly_right(open_with: Open, tiny_model: Path) -> None:
    opened = open_with(Drafting("draft", longest=8, model=str(tiny_model)))
    found = speculator(opened)
    assert found
    assert found.modes == {"auto", "off", "ngram", "draft"}
    # as if rows were free, so that drafts are checked wherever the test runs
    found.budget.cost.observe(1, 1.0)
    found.budget.cost.observe = lambda rows, seconds: None  # type: ignore[method-assign]
    plain, _ = answer(opened, Speculation("off"), times=3)
    drafted, usages = answer(opened, times=3)
    assert drafted == plain
    assert sum(usage.accepted_tokens for usage in usages) >= 60
    # where it is wrong, it drafts the end token, which these answers must not have
    assert sum(usage.accepted_tokens for usage in usages) >= 0.6 * sum(
        usage.drafted_tokens for usage in usages
    )


@pytest.mark.parametrize(("kind", "share"), [("faithful", 1.0), ("random", 0.0)])
def test_prediction_layers_are_used_where_a_model_has_them(
    open_with: Open, tmp_path: Path, kind: str, share: float
) -> None:
    opened = open_with(Drafting(), write_random_prediction(tmp_path / "m.gguf", kind))
    found = speculator(opened)
    assert found
    assert found.modes == {"auto", "off", "ngram", "mtp"}
    found.budget.cost.observe(1, 1.0)
    found.budget.cost.observe = lambda rows, seconds: None  # type: ignore[method-assign]
    plain, _ = answer(opened, Speculation("off"), times=2)
    drafted, usages = answer(opened, Speculation("mtp", 4), times=2)
    assert drafted == plain
    accepted = sum(usage.accepted_tokens for usage in usages)
    drafted_tokens = sum(usage.drafted_tokens for usage in usages)
    assert drafted_tokens > 5
    assert abs(accepted - share * drafted_tokens) <= 0.2 * drafted_tokens


def test_models_without_what_is_asked_for_look_texts_up(open_with: Open) -> None:
    opened = open_with(Drafting("mtp"))
    found = speculator(opened)
    assert found
    assert found.modes == {"auto", "off", "ngram"}
    assert opened.engine
    assert opened.engine.modes == found.modes


def test_nothing_drafts_where_it_is_switched_off(open_with: Open) -> None:
    opened = open_with(Drafting("off"))
    assert speculator(opened) is None
    assert opened.engine
    assert opened.engine.modes == {"auto", "off"}
    _, (usage,) = answer(opened, Speculation("ngram"))
    assert usage.drafted_tokens == 0


def test_a_draft_model_that_must_fit_and_does_not_stops_the_load(
    open_with: Open, tmp_path: Path
) -> None:
    other = write_random_model(tmp_path / "other.gguf")
    with pytest.raises(ConfigInvalid, match="does not fit"):
        open_with(Drafting(model=str(other)))


def test_one_for_all_models_that_does_not_fit_is_left_out(open_with: Open, tmp_path: Path) -> None:
    other = write_random_model(tmp_path / "other.gguf")
    opened = open_with(Drafting(model=str(other), must_fit=False))
    found = speculator(opened)
    assert found
    assert "draft" not in found.modes
    assert any("is left out" in line for line in open_with.log)  # type: ignore[attr-defined]


def test_a_damaged_draft_model_is_named(open_with: Open, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.gguf"
    damaged.write_bytes(b"GGUF" + bytes(100))
    with pytest.raises(CorruptFile, match=r"damaged\.gguf"):
        open_with(Drafting(model=str(damaged)))


def test_prediction_layers_are_not_loaded_beside_a_draft_model() -> None:
    assert wants_prediction(Drafting())
    assert wants_prediction(Drafting("mtp"))
    assert not wants_prediction(Drafting(model="/draft.gguf"))
    assert not wants_prediction(Drafting("ngram"))


def test_answers_end_where_they_would_without_drafts(open_with: Open) -> None:
    opened = open_with(Drafting())
    for length in (1, 2, 7, sys.maxsize):
        plain, (one,) = answer(opened, Speculation("off"), max_tokens=length)
        drafted, (other,) = answer(opened, Speculation("ngram"), max_tokens=length)
        assert (plain, one.completion_tokens) == (drafted, other.completion_tokens)
