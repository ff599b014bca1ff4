from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmd.engine.stopping import TextStream


def feed(stream: TextStream, pieces: list[bytes]) -> str:
    shown = ""
    for piece in pieces:
        shown += stream.push(piece)
        if stream.stopped is not None:
            return shown
    return shown + stream.close()


def test_a_character_split_over_tokens_is_shown_whole() -> None:
    stream = TextStream()
    raw = "人工".encode()
    assert [stream.push(raw[i : i + 1]) for i in range(6)] == ["", "", "人", "", "", "工"]


def test_bytes_that_never_become_a_character_end_as_a_replacement() -> None:
    stream = TextStream()
    assert stream.push(b"ok\xe4\xba") == "ok"
    assert stream.close() == "\N{REPLACEMENT CHARACTER}"


def test_holds_back_what_could_become_a_stop_text() -> None:
    stream = TextStream(["\nUser:"])
    assert stream.push(b"Hello\n") == "Hello"
    assert stream.push(b"Us") == ""
    assert stream.push(b"eful") == "\nUseful"
    assert stream.stopped is None


def test_ends_before_the_stop_text() -> None:
    stream = TextStream(["END", "\n\n"])
    assert stream.push(b"abcE") == "abc"
    assert stream.push(b"NDxyz") == ""
    assert stream.stopped == "END"
    assert stream.close() == ""


def test_shows_the_held_text_when_the_answer_ends() -> None:
    stream = TextStream(["END"])
    assert stream.push(b"abcEN") == "abc"
    assert stream.close() == "EN"


def test_the_stop_text_that_ends_first_wins_and_of_equals_the_longest() -> None:
    stream = TextStream(["b", "ab", "abc"])
    assert stream.push(b"xxabc") == "xx"
    assert stream.stopped == "ab"


@pytest.mark.parametrize("pieces", [[b"\naa"], [b"\na", b"a"], [b"\n", b"a", b"a"]])
def test_a_stop_text_within_the_beginning_of_another_ends_the_answer(pieces: list[bytes]) -> None:
    assert feed(TextStream(["a", "\naa"]), pieces) == "\n"


TEXT = st.text(alphabet="ab\n人é🎉", max_size=40)


@given(TEXT, st.lists(st.text(alphabet="ab\n人", min_size=1, max_size=4), max_size=3), st.data())
def test_any_split_shows_the_same_text(text: str, stops: list[str], data: st.DataObject) -> None:
    raw = text.encode()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(raw)), max_size=8)))
    pieces = [raw[a:b] for a, b in zip([0, *cuts], [*cuts, len(raw)], strict=True)]
    ends = [(at + len(stop), at) for stop in stops if (at := text.find(stop)) >= 0]
    expected = text[: min(ends)[1]] if ends else text
    assert feed(TextStream(stops), pieces) == expected
