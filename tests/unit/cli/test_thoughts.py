from __future__ import annotations

import sys

import pytest

from llmd.cli.thoughts import Thoughts, thoughts


def test_reasoning_is_dimmed_and_parted_from_the_answer() -> None:
    shown: list[str] = []
    place = Thoughts(shown.append)
    place.feed("Hm")
    place.feed("")
    place.feed(".")
    place.close()
    place.close()
    assert "".join(shown) == "\x1b[2mHm\x1b[0m\x1b[2m.\x1b[0m\n\n"


def test_an_answer_without_reasoning_shows_no_trace() -> None:
    shown: list[str] = []
    Thoughts(shown.append).close()
    assert shown == []


@pytest.mark.parametrize("terminal", [True, False])
def test_only_a_terminal_shows_reasoning(
    terminal: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: terminal)
    place = thoughts()
    place.feed("Hm")
    place.close()
    assert bool(capsys.readouterr().out) is terminal


def test_escape_sequences_of_reasoning_are_left_out() -> None:
    shown: list[str] = []
    Thoughts(shown.append).feed("a\x1b[2Jb")
    assert shown == ["\x1b[2ma[2Jb\x1b[0m"]
