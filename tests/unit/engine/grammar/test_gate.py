from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from llmd.engine.grammar.gate import TextGate


def opened_after(gate: TextGate, pieces: list[bytes]) -> tuple[int, bytes] | None:
    for index, piece in enumerate(pieces):
        if (rest := gate.push(piece)) is not None:
            return index, rest
    return None


def test_it_opens_behind_its_text_and_hands_over_the_rest() -> None:
    gate = TextGate(["</think>"])
    assert gate.push(b"so") is None
    assert gate.push(b"</think>{") == b"{"


def test_it_waits_while_the_text_does_not_come() -> None:
    gate = TextGate(["</think>"])
    assert opened_after(gate, [b"</thin", b"gs>", b"</", b"think"]) is None


def test_the_first_of_several_texts_opens_it() -> None:
    gate = TextGate(["<call>", "[TOOL]"])
    assert gate.push(b"x [TOOL]<call>") == b"<call>"


def test_it_says_which_text_opened_it() -> None:
    gate = TextGate(["<call>", "[TOOL]"])
    gate.push(b"x [TOOL]<call>")
    assert gate.found == b"[TOOL]"


def test_a_text_may_begin_before_the_first_piece() -> None:
    gate = TextGate([">>>f\n"], before="x>>>")
    assert gate.push(b"f") is None
    assert gate.push(b"\n{") == b"{"


def test_characters_of_several_bytes_may_be_cut_anywhere() -> None:
    gate = TextGate(["思考结束"])
    data = "好的思考结束。".encode()
    assert opened_after(gate, [data[i : i + 1] for i in range(len(data))]) == (17, b"")


@given(st.data())
def test_any_split_of_a_text_opens_it_at_the_same_place(data: st.DataObject) -> None:
    text = data.draw(st.text("ab</>", max_size=12)).encode() + b"</a>" + b"tail"
    cuts = data.draw(st.lists(st.integers(0, len(text)), max_size=6))
    edges = [0, *sorted(cuts), len(text)]
    pieces = [text[a:b] for a, b in pairwise(edges)]
    place = opened_after(TextGate(["</a>"]), pieces)
    assert place
    index, rest = place
    assert rest + b"".join(pieces[index + 1 :]) == text[text.find(b"</a>") + 4 :]
