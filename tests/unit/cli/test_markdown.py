from __future__ import annotations

import io
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from llmd.cli.markdown import LiteralMarkdown, MarkdownAnswer, PlainAnswer, split_blocks


def console(*, terminal: bool, height: int = 10) -> Console:
    return Console(
        file=io.StringIO(), force_terminal=terminal, width=40, height=height, color_system=None
    )


def written(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def shown(text: str, *, piece: int = 3, height: int = 10) -> list[str]:
    """Return the lines that stand on the screen and above it when the answer is complete."""
    screen = console(terminal=True, height=height)
    answer = MarkdownAnswer(screen, itertools.count().__next__)
    for place in range(0, len(text), piece):
        answer.feed(text[place : place + piece])
    answer.close()
    return Terminal().play(written(screen))


class Terminal:
    """Understands what rich writes: cursor up, erase line, carriage return; keeps all lines ever scrolled."""

    def __init__(self) -> None:
        self.lines = [""]
        self.row = 0

    def play(self, output: str) -> list[str]:
        position = 0
        while position < len(output):
            if output.startswith("\x1b[", position):
                end = next(
                    place for place in range(position + 2, len(output)) if output[place].isalpha()
                )
                self._control(output[position + 2 : end], output[end])
                position = end + 1
            else:
                self._write(output[position])
                position += 1
        return [line.rstrip() for line in self.lines]

    def _control(self, number: str, kind: str) -> None:
        if kind == "A":
            self.row -= int(number or 1)
        elif kind == "K":
            self.lines[self.row] = ""

    def _write(self, character: str) -> None:
        if character == "\n":
            self.row += 1
            if self.row == len(self.lines):
                self.lines.append("")
        elif character != "\r":
            self.lines[self.row] += character


def test_paragraphs_appear_once_and_in_order() -> None:
    lines = shown("First *one*.\n\nSecond.\n\nThird.")
    assert [line for line in lines if line] == ["First one.", "Second.", "Third."]


@pytest.mark.parametrize("height", [4, 10, 50])
def test_an_answer_longer_than_the_screen_is_complete(height: int) -> None:
    code = "\n".join(f"line_{number} = {number}" for number in range(60))
    lines = shown(f"Look:\n\n```python\n{code}\n```\n\nDone.", height=height, piece=7)
    assert [line.strip() for line in lines if "line_" in line] == code.splitlines()
    assert [line for line in lines if line][-1] == "Done."


def test_a_list_that_is_longer_than_the_screen_is_complete() -> None:
    lines = shown("\n".join(f"{number}. item" for number in range(1, 41)), height=8)
    assert [line.split() for line in lines if "item" in line] == [
        [str(number), "item"] for number in range(1, 41)
    ]


def test_tags_are_text() -> None:
    screen = console(terminal=False)
    screen.print(LiteralMarkdown("<think>\nhm\n</think>\n\nUse <div>."))
    assert "<think>" in written(screen)
    assert "Use <div>." in written(screen)


def test_an_answer_that_is_stopped_is_shown_as_far_as_it_came() -> None:
    assert [line for line in shown("One **two") if line] == ["One **two"]


def test_plain_text_is_written_as_it_comes() -> None:
    pieces: list[str] = []
    answer = PlainAnswer(pieces.append)
    answer.feed("a *b")
    answer.close()
    assert pieces == ["a *b", "\n"]


@pytest.mark.parametrize(
    ("text", "blocks", "rest"),
    [
        ("one", [], "one"),
        ("one\n\n", [], "one\n\n"),
        ("one\n\ntwo", [], "one\n\ntwo"),
        ("one\n\ntwo\n", ["one\n\n"], "two\n"),
        ("```\na\n\nb\n", [], "```\na\n\nb\n"),
        ("```\na\n\nb\n```\n\nc\n", ["```\na\n\nb\n```\n\n"], "c\n"),
        ("````\n```\n\nx\n````\n\ny\n", ["````\n```\n\nx\n````\n\n"], "y\n"),
        ("- a\n\n- b\n\nc\n", ["- a\n\n- b\n\n"], "c\n"),
        ("1. a\n\n   more\n\n2. b\n", [], "1. a\n\n   more\n\n2. b\n"),
    ],
)
def test_blocks_end_where_nothing_can_be_added_to_them(
    text: str, blocks: list[str], rest: str
) -> None:
    assert split_blocks(text) == (blocks, rest)


@given(st.text(alphabet="a`~-1. \n*|#>", max_size=60))
def test_splitting_loses_nothing(text: str) -> None:
    blocks, rest = split_blocks(text)
    assert "".join(blocks) + rest == text


@given(st.text(alphabet="ab`~-1. \n*|#>", max_size=40), st.integers(1, 5))
def test_any_text_in_any_pieces_is_rendered(text: str, piece: int) -> None:
    shown(text, piece=piece, height=5)


def test_escape_sequences_of_a_model_do_not_reach_the_terminal() -> None:
    screen = console(terminal=True)
    answer = MarkdownAnswer(screen, itertools.count().__next__)
    answer.feed("one \x1b]52;c;aGk=\x07 two \x1b[2J")
    answer.close()
    assert "\x1b]52" not in written(screen)
    assert "\x1b[2J" not in written(screen)
    assert "two" in written(screen)
