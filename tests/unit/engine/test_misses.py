from __future__ import annotations

import pytest

from llmd.engine.misses import told
from llmd.engine.sampling import GreedySampler
from llmd.engine.sequence import Divergence, Outline, Sequence, Timing
from llmd.engine.stopping import TextStream
from llmd.protocol.events import MissKind


class Letters:
    """Each token is a character."""

    def piece(self, token: int, *, special: bool = False) -> bytes:
        assert special
        return chr(token).encode()


def sequence(text: str, miss: Divergence | None, outline: Outline | None = None) -> Sequence:
    tokens = [ord(letter) for letter in text]
    made = Sequence(1, tokens, GreedySampler(), TextStream(), Timing(0.0), max_tokens=9)
    made.reused, made.miss, made.outline = (miss.position if miss else 0), miss, outline
    return made


def differs(text: str, other: str, outline: Outline | None = None) -> Sequence:
    at = next(place for place, (a, b) in enumerate(zip(text, other, strict=False)) if a != b)
    return sequence(text, Divergence(at, [ord(letter) for letter in other[at : at + 16]]), outline)


FILLER = "and so on and so forth and much more of the same."


@pytest.mark.parametrize(
    ("text", "other", "kind"),
    [
        ("It is Monday today.", "It is Tuesday today.", MissKind.TIME),
        ("Now: 2026-11-21 08:00", "Now: 2026-11-21 08:01", MissKind.TIME),
        ("You are a pirate.", "You are a helper.", MissKind.PROMPT),
    ],
)
def test_dates_and_times_are_recognised(text: str, other: str, kind: MissKind) -> None:
    miss = told(differs(f"{text} {FILLER}", f"{other} {FILLER}"), Letters())
    assert miss
    assert miss.kind is kind


@pytest.mark.parametrize(
    ("place", "kind"),
    [(10, MissKind.SYSTEM), (30, MissKind.TOOLS), (60, MissKind.MESSAGES)],
)
def test_the_part_of_the_conversation_is_named(place: int, kind: MissKind) -> None:
    text = "x" * 120
    other = f"{text[:place]}yes{text[place:]}"
    miss = told(differs(text, other, Outline(50, 20, 40)), Letters())
    assert miss
    assert (miss.kind, miss.token, miss.instead[:3]) == (kind, place, "yes")


def test_cold_and_evicted_are_told_apart() -> None:
    cold = told(sequence(FILLER, Divergence(0, [], cold=True)), Letters())
    evicted = told(sequence(FILLER, Divergence(8, [], evicted=128)), Letters())
    assert cold
    assert cold.kind is MissKind.COLD
    assert evicted
    assert (evicted.kind, evicted.token, evicted.evicted_tokens) == (MissKind.EVICTED, 8, 128)


def test_a_few_tokens_are_not_worth_telling() -> None:
    assert told(sequence("short", Divergence(0, [], cold=True)), Letters()) is None
    assert told(sequence(FILLER, None), Letters()) is None


def test_media_and_broken_characters_do_no_harm() -> None:
    one = differs(f"a猫{FILLER}", f"a狗{FILLER}")
    one.tokens[5] = -12345
    miss = told(one, Letters())
    assert miss
    assert miss.text.startswith("猫")
