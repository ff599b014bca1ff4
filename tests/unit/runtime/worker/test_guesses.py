from __future__ import annotations

import pytest

from llmd.errors import InvalidRequest
from llmd.protocol.requests import Sampling, Speculation
from llmd.runtime.worker.guesses import checked, expected, steadied

MODES = {"auto", "off", "ngram"}


class Letters:
    """A token for each letter."""

    size = 256
    bos = 0
    adds_bos = True
    infill = (-1, -1, -1)
    seen = 0

    def tokenize(self, text: str, *, add_special: bool, parse_special: bool) -> list[int]:
        assert not add_special
        assert not parse_special
        self.seen = len(text)
        return [ord(letter) for letter in text]


@pytest.mark.parametrize("mode", sorted(MODES))
def test_what_the_model_can_do_is_passed_on(mode: str) -> None:
    wish = Speculation(mode, 3)
    assert checked(wish, MODES) is wish


@pytest.mark.parametrize("mode", ["draft", "mtp"])
def test_what_it_cannot_do_is_refused_with_what_it_can(mode: str) -> None:
    with pytest.raises(InvalidRequest, match=mode) as caught:
        checked(Speculation(mode), MODES)
    assert caught.value.param == "speculation"
    assert "auto, ngram, off" in caught.value.hint


def test_a_prediction_is_tokenised_as_plain_text() -> None:
    assert expected(Speculation(prediction="ab"), Letters(), 10) == [97, 98]
    assert expected(Speculation(), Letters(), 10) == []
    assert expected(Speculation("off", prediction="ab"), Letters(), 10) == []


def test_a_huge_prediction_is_cut_before_it_costs_anything() -> None:
    letters = Letters()
    assert len(expected(Speculation(prediction="a" * 10_000_000), letters, 100)) == 100
    assert letters.seen == 1600


def test_a_seed_goes_without_guesses_unless_they_are_asked_for() -> None:
    seeded, free = Sampling(seed=1), Sampling()
    greedy = Sampling(seed=1, temperature=0)
    assert steadied(Speculation(), seeded).mode == "off"
    assert steadied(Speculation("ngram"), seeded).mode == "ngram"
    assert steadied(Speculation(), free) == steadied(Speculation(), greedy) == Speculation()
