from __future__ import annotations

import pytest

from llmd.config.description import descriptions
from llmd.server.web import words
from llmd.server.web.words import LANGUAGES, Words


@pytest.fixture
def english() -> Words:
    return words.load()["en"]


def test_a_name_stands_for_words_with_figures_in_their_places(english: Words) -> None:
    assert english("login.enter") == "Log in"
    assert english("login.throttled", seconds=7).endswith("7 s.")


def test_figures_that_look_like_places_stay_as_they_are() -> None:
    said = Words("en", {"a": "{name}!"})
    assert said("a", name="{name.__class__} {0} <b>") == "{name.__class__} {0} <b>!"


def test_an_unknown_name_is_a_mistake(english: Words) -> None:
    with pytest.raises(KeyError):
        english("login.nothing")


def test_scripts_get_the_words_of_their_parts_and_no_others(english: Words) -> None:
    below = english.below("live", "trouble")
    assert below["live.lost"] == english("live.lost")
    assert {name.partition(".")[0] for name in below} == {"live", "trouble"}
    assert english.below() == {}


def test_a_part_is_no_mere_beginning() -> None:
    said = Words("en", {"live.a": "1", "lives.b": "2"})
    assert said.below("live") == {"live.a": "1"}


def test_each_language_calls_itself_what_it_is() -> None:
    assert {code: said.language for code, said in words.load().items()} == {
        code: code for code in LANGUAGES
    }
    assert words.load()["zh"]("login.enter") == "登录"


@pytest.mark.parametrize(
    ("wanted", "accepted", "found"),
    [
        ("zh", "en", "zh"),
        ("", "zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("", "en-GB,en;q=0.9,zh;q=0.8", "en"),
        ("", "en;q=0.1, zh;q=0.9", "zh"),
        ("", "de, fr;q=0.9", "en"),
        ("", "de-DE, zh-Hans;q=0.3", "zh"),
        ("", "ZH-tw", "zh"),
        ("", "zh;q=0", "en"),
        ("", "zh;q=nonsense, en;q=0.1", "en"),
        ("", "zh;q=2", "en"),
        ("", "", "en"),
        ("xx", "zh", "zh"),
        ("", ",".join(["de"] * 100_000), "en"),
        ("", ";;;,,,q=", "en"),
    ],
)
def test_the_chosen_language_counts_or_the_one_wanted_most(
    wanted: str, accepted: str, found: str
) -> None:
    assert words.choose(wanted, accepted) == found


def test_settings_are_told_of_in_every_language() -> None:
    for said in words.load().values():
        assert all(said(f"about.{key}") for key in descriptions())
    english, chinese = words.load()["en"], words.load()["zh"]
    assert english("about.section.server") == "Listeners and HTTP limits."
    assert english("about.server.host") != chinese("about.server.host")
