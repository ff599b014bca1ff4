from __future__ import annotations

import pytest

from llmd.errors import ContextOverflow, InvalidRequest
from llmd.protocol.requests import InfillPrompt, Overflow
from llmd.runtime.worker.infill import gap_tokens


class Characters:
    """A tokenizer of one token a character."""

    bos = 0
    adds_bos = False
    infill = (1, 2, 3)

    def tokenize(self, text: str, *, add_special: bool, parse_special: bool) -> list[int]:
        assert not add_special
        assert not parse_special
        return [ord(character) for character in text]


def fill(
    prefix: str, suffix: str, room: int = 100, overflow: Overflow = Overflow.ERROR
) -> tuple[str, int]:
    tokens, dropped = gap_tokens(Characters(), InfillPrompt(prefix, suffix), overflow, room)
    return "".join("^PSM"[token] if token < 4 else chr(token) for token in tokens), dropped


def test_the_gap_comes_last() -> None:
    assert fill("def ", ": pass") == ("Pdef S: passM", 0)
    assert fill("", "") == ("PSM", 0)


def test_a_model_that_wants_bos_gets_it_first() -> None:
    vocab = Characters()
    vocab.adds_bos = True
    assert gap_tokens(vocab, InfillPrompt("a", "b"), Overflow.ERROR, 9)[0] == [0, 1, 97, 2, 98, 3]


@pytest.mark.parametrize("missing", [0, 1, 2])
def test_a_model_without_the_marks_cannot(missing: int) -> None:
    vocab = Characters()
    marks = [1, 2, 3]
    marks[missing] = -1
    vocab.infill = (marks[0], marks[1], marks[2])
    with pytest.raises(InvalidRequest, match="fill in the middle") as caught:
        gap_tokens(vocab, InfillPrompt("a", "b"), Overflow.ERROR, 9)
    assert caught.value.param == "suffix"


def test_what_does_not_fit_is_refused_with_both_figures() -> None:
    assert fill("a" * 50, "b" * 47)[1] == 0
    with pytest.raises(ContextOverflow) as caught:
        fill("a" * 50, "b" * 48)
    assert caught.value.details == {"needed": 101, "available": 100}


def test_truncating_keeps_what_lies_next_to_the_gap() -> None:
    text, dropped = fill("x" * 200 + "end", "start" + "y" * 200, overflow=Overflow.TRUNCATE)
    assert "endS" in text
    assert "Sstart" in text
    assert len(text) <= 53
    assert dropped == 408 - (len(text) - 3)


@pytest.mark.parametrize(("prefix", "suffix"), [(300, 2), (2, 300), (0, 300), (300, 0)])
def test_truncating_any_shape_leaves_room_for_the_answer(prefix: int, suffix: int) -> None:
    text, dropped = fill("a" * prefix, "b" * suffix, 40, Overflow.SHIFT)
    assert len(text) <= 23
    assert dropped == prefix + suffix - (len(text) - 3)
