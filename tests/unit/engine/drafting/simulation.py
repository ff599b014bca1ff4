"""A decode loop without a model: what the target says is scripted, what a step costs is a table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from llmd.engine.drafting import Draft, Drafter, NgramDrafter, Speculator
from llmd.protocol.models import Drafting
from llmd.protocol.requests import Speculation

Next = Callable[[Sequence[int]], int]
"""The token that a deterministic target puts after these."""

# milliseconds by rows: 24 blocks of Q4_0 on two cores, as measured; its kernel works in tiles of 4
TILED = {1: 8.9, 2: 14.6, 3: 20.9, 4: 14.5, 5: 20.9, 6: 27.4, 7: 33.1, 8: 26.2, 10: 38.5, 12: 37.8}
TILED |= {16: 39.9, 20: 52.6, 24: 63.9, 32: 79.1, 48: 127.0, 64: 157.5}


def tiled(rows: int) -> float:
    """A small model on few cores."""
    return TILED[min((count for count in TILED if count >= rows), default=64)] * max(1, rows / 64)


def flat(rows: int) -> float:
    """A large model on a GPU: rows are nearly free."""
    return 20 * (1 + 0.002 * rows)


def serial(rows: int) -> float:
    """A processor that computes one row after the other: no draft can pay."""
    return 5.0 * rows


def scripted(prompt: Sequence[int], answer: Sequence[int]) -> Next:
    """A target that gives `answer` to `prompt` whatever happens."""
    return lambda tokens: answer[len(tokens) - len(prompt)]


@dataclass
class Run:
    """What one simulated decode brought."""

    answers: list[list[int]] = field(default_factory=list)
    milliseconds: float = 0.0
    steps: int = 0
    drafted: int = 0
    accepted: int = 0
    lengths: list[int] = field(default_factory=list)
    """Rows drafted in each step."""


@dataclass
class Stream:
    """One sequence to simulate."""

    prompt: list[int]
    length: int
    target: Next
    prediction: list[int] = field(default_factory=list)
    wish: Speculation = field(default_factory=Speculation)


def speculator(model: Drafter | None = None, *, longest: int = 32, rows: int = 48) -> Speculator:
    ticks = iter(range(1_000_000))
    drafting = Drafting(longest=longest, rows=rows)
    return Speculator(NgramDrafter(), model, drafting, lambda: next(ticks) * 1e-3)


def check(tokens: list[int], draft: Sequence[int], target: Next) -> list[int]:
    """What one step adds to a text: the target's choices as long as they are the drafted ones, and
    the first that is not.
    """
    added: list[int] = []
    for drafted in [*draft, None]:
        choice = target([*tokens, *added])
        added.append(choice)
        if choice != drafted:
            break
    return added


def decode(
    streams: Sequence[Stream], cost: Callable[[int], float], drafting: Speculator | None
) -> Run:
    """Run all streams to their end, as the step loop does."""
    run = Run([[] for _ in streams])
    if drafting:
        for index, stream in enumerate(streams):
            drafting.start(index, stream.prompt, stream.wish, stream.prediction)
    while active := [i for i, s in enumerate(streams) if len(run.answers[i]) < s.length]:
        room = {i: streams[i].length - len(run.answers[i]) - 1 for i in active}
        drafts = drafting.drafts(room, len(active)) if drafting else {}
        rows = len(active) + sum(map(len, drafts.values()))
        assert all(0 < len(draft) <= room[i] for i, draft in drafts.items())
        run.milliseconds += cost(rows)
        run.steps += 1
        run.lengths.append(rows - len(active))
        if drafting:
            drafting.measured(rows, cost(rows) / 1000)
        for i in active:
            text = [*streams[i].prompt, *run.answers[i]]
            added = check(text, drafts.get(i, ()), streams[i].target)
            run.answers[i] += added
            run.drafted += len(drafts.get(i, ()))
            if drafting:
                run.accepted += drafting.settle(i, added, len(drafts.get(i, ())))
    if drafting:
        for index in range(len(streams)):
            drafting.stop(index)
    return run


def gain(
    streams: Sequence[Stream], cost: Callable[[int], float], drafting: Speculator
) -> tuple[float, Run]:
    """How many times as fast drafting makes these streams."""
    plain = decode(streams, cost, None)
    drafted = decode(streams, cost, drafting)
    assert drafted.answers == plain.answers
    return plain.milliseconds / drafted.milliseconds, drafted


def only(draft: Draft | None) -> list[int]:
    """The tokens of a draft that may be missing."""
    return draft.tokens if draft else []
