"""Pictures in the running batch: the engine with random models that see."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from llmd.engine.loading import open_model
from llmd.engine.plan import Chunk
from llmd.engine.sampling import GreedySampler
from llmd.engine.seeing import see as read_picture
from llmd.engine.sequence import Sequence, Timing
from llmd.engine.stopping import TextStream
from llmd.protocol.events import Finished, Usage
from llmd.protocol.frames import Failed, Senses
from llmd.protocol.requests import Overflow
from tests.fakes.media_files import picture
from tests.unit.engine.conftest import load_order

VisionFiles = Callable[[str], tuple[Path, Path]]
CACHE = 10**6


def never() -> bool:
    return False


class Seeing:
    """An opened model with its projector, and what asking it gives."""

    def __init__(self, files: tuple[Path, Path], **changes: object) -> None:
        senses = Senses(str(files[1]), 100_000, 60, CACHE)
        order = {"kv_tokens": 1024, "context_length": 512, "threads": 1, **changes}
        self.opened = open_model(
            load_order(files[0], senses=senses, **order), lambda _: None, lambda *_: None
        )
        assert self.opened.media
        self.media = self.opened.media
        assert self.opened.engine
        self.engine = self.opened.engine
        self.finished: dict[int, Usage] = {}
        self.failed: dict[int, Failed] = {}

    def sequence(
        self, request: int, *parts: str | bytes, max_tokens: int = 8, **changes: Any
    ) -> Sequence:
        """Return a greedy sequence to texts and pictures."""
        shown = [
            part if isinstance(part, str) else self.media.encode([part], ["it"], never)[0]
            for part in parts
        ]
        tokens, media = self.media.tokenize(shown)
        return Sequence(
            id=request,
            tokens=tokens,
            sampler=GreedySampler(),
            text=TextStream(()),
            timing=Timing(time.monotonic()),
            max_tokens=max_tokens,
            ignore_eos=True,
            media=media,
            **changes,
        )

    def run(self, *sequences: Sequence) -> list[list[int]]:
        """Answer these together; return the tokens of the answers."""
        starts = [len(sequence.tokens) for sequence in sequences]
        for sequence in sequences:
            self.engine.submit(sequence)
        for _ in range(2000):
            if self.engine.idle:
                break
            for request, event in self.engine.step():
                if isinstance(event, Finished):
                    self.finished[request] = event.usage
                elif isinstance(event, Failed):
                    self.failed[request] = event
        assert self.engine.idle
        return [sequence.tokens[start:] for sequence, start in zip(sequences, starts, strict=True)]

    def close(self) -> None:
        self.media.close()
        self.opened.embedder.close()
        self.engine.close()


Open = Callable[..., Seeing]


@pytest.fixture
def see(vision_files: VisionFiles) -> Iterator[Open]:
    made: list[Seeing] = []

    def open_one(kind: str, **changes: object) -> Seeing:
        made.append(Seeing(vision_files(kind), **changes))
        return made[-1]

    yield open_one
    for each in made:
        each.close()


SEEING = ["tiled", "mrope", "noncausal", "both"]
PROMPT = ("You see ", picture(1), " and ", picture(2), ". Which is brighter?")


@pytest.mark.parametrize("kind", SEEING)
def test_answers_are_the_same_with_and_without_the_prefix_cache(see: Open, kind: str) -> None:
    model = see(kind)
    (cold,) = model.run(model.sequence(1, *PROMPT, cache_prompt=False))
    (first,) = model.run(model.sequence(2, *PROMPT))
    (again,) = model.run(model.sequence(3, *PROMPT))
    (other,) = model.run(model.sequence(4, *PROMPT[:3], picture(3), PROMPT[4]))
    assert cold == first == again
    assert other != cold
    assert model.finished[2].cached_tokens == 0
    assert model.finished[3].cached_tokens == len(model.sequence(9, *PROMPT).tokens) - 1
    assert 0 < model.finished[4].cached_tokens < model.finished[3].cached_tokens


@pytest.mark.parametrize("kind", SEEING)
def test_sequences_with_and_without_pictures_run_together(see: Open, kind: str) -> None:
    model = see(kind)
    prompts: list[tuple[str | bytes, ...]] = [
        PROMPT,
        ("plain text, " * 20,),
        (picture(4), "x" * 150, picture(1), " so?"),
        PROMPT,
        ("short",),
    ]
    alone = [
        model.run(model.sequence(number, *prompt, cache_prompt=False))[0]
        for number, prompt in enumerate(prompts)
    ]
    together = model.run(
        *(model.sequence(10 + number, *prompt) for number, prompt in enumerate(prompts))
    )
    assert together == alone


@pytest.mark.parametrize("kind", ["mrope", "tiled"])
def test_the_cells_of_pictures_are_counted_and_given_up(see: Open, kind: str) -> None:
    model = see(kind, kv_tokens=256, context_length=200, parallel=4)
    expected = {
        number: model.run(model.sequence(number, picture(number), "what?", cache_prompt=False))[0]
        for number in range(4)
    }
    for round_ in range(12):
        sequences = [
            model.sequence(100 + 4 * round_ + number, picture(number), "what?")
            for number in range(4)
        ]
        assert model.run(*sequences) == list(expected.values())
        cache = model.engine.scheduler.cache
        assert cache.used([]) <= cache.cells
    assert not model.failed


def test_the_patches_of_a_picture_count_as_prompt_tokens(see: Open) -> None:
    model = see("mrope")
    sequence = model.sequence(1, "a", picture(1), "b")
    cells = sum(len(span.embeddings) for span in sequence.media)
    text = sum(token >= 0 for token in sequence.tokens)
    model.run(sequence)
    assert model.finished[1].prompt_tokens == text + cells == text + 12


@pytest.mark.parametrize("kind", SEEING)
def test_a_preempted_sequence_reads_its_pictures_again(see: Open, kind: str) -> None:
    model = see(kind, context_length=4096, kv_tokens=8192)
    expected = model.run(model.sequence(1, *PROMPT, max_tokens=20, cache_prompt=False))
    first, second = (
        # on a busy machine it writes much before the other one is read
        model.sequence(2, "other", max_tokens=4000),
        model.sequence(3, *PROMPT, max_tokens=20),
    )
    starts = len(second.tokens)
    model.engine.submit(first)
    model.engine.submit(second)
    while second.generated < 5:
        model.engine.step()
    assert model.engine.scheduler.preempt_youngest()
    model.engine.scheduler.cache.forget()
    assert model.engine.cancel(first.id)
    while not model.engine.idle:
        model.engine.step()
    assert [second.tokens[starts:]] == expected


def test_a_context_with_pictures_is_not_shifted_but_ends(see: Open) -> None:
    model = see("tiled", context_length=64, kv_tokens=256)
    sequence = model.sequence(1, picture(1), "x", max_tokens=500, overflow=Overflow.SHIFT)
    (answer,) = model.run(sequence)
    assert len(sequence.tokens) == 65
    assert len(answer) < 64


@pytest.mark.parametrize("kind", ["tiled", "mrope"])
def test_an_answer_to_a_picture_ends_where_the_cells_of_the_context_do(
    see: Open, kind: str
) -> None:
    model = see(kind, context_length=256, kv_tokens=256, parallel=1)
    sequence = model.sequence(1, picture(1), "x", picture(2), "y", max_tokens=5000)
    model.run(sequence)
    assert not model.failed
    usage = model.finished[1]
    assert usage.prompt_tokens + usage.completion_tokens == 257


def test_a_cancelled_sequence_leaves_its_pictures_to_others(see: Open) -> None:
    model = see("tiled")
    expected = model.run(model.sequence(1, *PROMPT, cache_prompt=False))
    model.engine.submit(model.sequence(2, *PROMPT))
    for _ in range(3):
        model.engine.step()
    assert model.engine.cancel(2)
    assert model.run(model.sequence(3, *PROMPT)) == expected
    assert model.finished[3].cached_tokens > 0


def test_small_batches_read_pictures_all_the_same(see: Open) -> None:
    wide, narrow = see("tiled"), see("tiled", batch=32, prefill_chunk=16)
    prompt = ("word " * 30, picture(1), "word " * 30)
    assert narrow.run(narrow.sequence(1, *prompt)) == wide.run(wide.sequence(1, *prompt))


class Refusing:
    """A projector whose decode call ends with a status, and what was done about it."""

    def __init__(self, status: int, *, cuts: bool) -> None:
        self.status = status
        self.cuts = cuts
        self.done: list[tuple[str, int, int]] = []

    def decode(self, *arguments: object) -> int:
        return self.status

    def trim(self, slot: int, length: int) -> None:
        self.done.append(("trim", slot, length))

    def restart(self, sequence: Sequence) -> None:
        self.done.append(("restart", sequence.slot, 0))

    def swell(self, slot: int, cells: int) -> None:
        self.done.append(("swell", slot, cells))

    def read(self, sequence: Sequence, *, stop: bool) -> None:
        self.done.append(("read", sequence.slot, sequence.cached))


@pytest.mark.parametrize(
    ("status", "cuts", "done", "cached"),
    [
        (0, True, [("swell", 7, 8), ("read", 7, 5)], 5),
        (1, True, [("trim", 7, 1)], 1),
        (1, False, [("restart", 7, 0)], 1),
        (-1, True, [("trim", 7, 1)], 1),
    ],
)
def test_a_refused_picture_leaves_nothing_behind(
    see: Open, status: int, cuts: bool, done: list[tuple[str, int, int]], cached: int
) -> None:
    sequence = see("mrope").sequence(1, picture(1), "so?")
    assert sequence.media[0].start == 1
    sequence.slot, sequence.cached = 7, 1
    fake: Any = Refusing(status, cuts=cuts)
    chunk = Chunk(sequence, sequence.media[0].patch.positions, last=False)
    assert read_picture(fake, fake, fake, fake, chunk) == status
    assert (fake.done, sequence.cached) == (done, cached)
