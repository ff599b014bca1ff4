from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmd.chat.scanning import Enough, Malformed, Parsing, Scanner, insist
from llmd.protocol.events import CallDelta


def scanner(most_calls: int | None = None, **wishes: bool) -> Scanner:
    return Scanner(lambda: "id", most_calls, **wishes)


def run(parse: Callable[[Scanner], Parsing[Any]], *pieces: str) -> tuple[Any, Scanner]:
    """Feed pieces one after the other; return what the parser returned."""
    scan = scanner()
    parsing = parse(scan)
    try:
        next(parsing)
        for piece in pieces:
            scan.add(piece)
            next(parsing)
        scan.finish()
        next(parsing)
    except StopIteration as stop:
        return stop.value, scan
    raise AssertionError("the parser waits although the text has ended")


def in_every_way(parse: Callable[[Scanner], Parsing[Any]], text: str) -> Any:
    """Return what the parser returns for the text, which must not depend on its pieces."""
    whole, scan = run(parse, text)
    single, other = run(parse, *text)
    assert single == whole
    assert scan.drain() == other.drain()
    return whole


def test_text_before_a_marker_streams_and_what_may_become_one_is_held_back() -> None:
    scan = scanner()
    parsing = scan.through(("<end>",), scan.say)
    seen = []
    for piece in ("a <", "en", "d", "x<end", ">b"):
        next(parsing, None)
        scan.add(piece)
        next(parsing, None)
        seen.append(scan.drain().text)
    assert seen == ["a ", "", "", "<endx", ""]


@pytest.mark.parametrize(
    ("text", "found"), [("xx<b>", "<b>"), ("x\n<b>", "\n<b>"), ("x\n<b", None), ("", None)]
)
def test_the_first_of_several_markers_counts(text: str, found: str | None) -> None:
    pieces: list[str] = []
    assert in_every_way(lambda scan: scan.through(("\n<b>", "<b>"), scan.say), text) == found
    run(lambda scan: scan.through(("\n<b>", "<b>"), pieces.append), *text)
    assert "".join(pieces) == text.removesuffix(found or "\0")


@given(st.text("<ab>", max_size=12))
def test_a_marker_is_found_wherever_it_begins(text: str) -> None:
    markers = ("<a>", "<<b", "b>")
    first = re.search("|".join(map(re.escape, markers)), text)
    assert in_every_way(lambda scan: scan.through(markers, scan.say), text) == (
        first[0] if first else None
    )


@pytest.mark.parametrize(
    ("text", "found"), [("abc", "abc"), ("abx", "ab"), ("ab", "ab"), ("a", ""), ("", ""), ("x", "")]
)
def test_the_first_literal_that_fits_is_read(text: str, found: str) -> None:
    assert in_every_way(lambda scan: scan.literal("abc", "ab"), text) == found


def test_what_is_expected_must_stand_there() -> None:
    assert in_every_way(lambda scan: scan.expect("a"), "a") == "a"
    with pytest.raises(Malformed):
        run(lambda scan: scan.expect("a"), "b")
    with pytest.raises(Malformed):
        insist("")


def test_words_have_a_beginning_and_a_longest_length() -> None:
    letters = re.compile("[a-z]*")
    assert in_every_way(lambda scan: scan.word(letters, 3), "abc1") == "abc"
    for text in ("abcd", "1", ""):
        with pytest.raises(Malformed):
            run(lambda scan: scan.word(letters, 3), *text)


def test_white_space_is_read_or_skipped() -> None:
    assert in_every_way(lambda scan: scan.gap(), " \n\tx") == " \n\t"
    assert in_every_way(lambda scan: scan.closing("]"), " \n]") is True
    found, scan = run(lambda scan: scan.closing("]"), " ", "x")
    assert not found
    scan.finish()
    assert run_on(scan, scan.rest(scan.say)).text == " x"


def run_on(scan: Scanner, parsing: Parsing[Any]) -> Any:
    for _ in parsing:
        raise AssertionError("it waits")
    return scan.drain()


def test_a_place_can_be_returned_to_though_more_text_came() -> None:
    scan = scanner()
    scan.add("xab")
    assert [*scan.take(1)] == []
    scan.mark()
    taking = scan.take(3)
    next(taking)
    scan.add("c")
    assert [*taking] == []
    scan.back()
    scan.finish()
    assert run_on(scan, scan.rest(scan.say)).text == "abc"


def test_a_place_that_is_given_up_tells_what_was_read_since() -> None:
    scan = scanner()
    scan.add("abc")
    scan.mark()
    assert [*scan.take(2)] == []
    assert scan.forget() == "ab"
    scan.unread("b")
    assert [*scan.peek()] == []
    scan.finish()
    assert run_on(scan, scan.rest(scan.say)).text == "bc"


def test_the_end_is_known_only_when_it_was_said() -> None:
    scan = scanner()
    ending = scan.over()
    next(ending)
    scan.finish()
    with pytest.raises(StopIteration) as stopped:
        next(ending)
    assert stopped.value.value is True


def test_what_is_found_is_told_once_and_calls_are_joined() -> None:
    scan = scanner()
    scan.say("a")
    scan.think("b")
    scan.begin("f")
    scan.argue("{")
    scan.argue("}")
    scan.begin("g", "own")
    portion = scan.drain()
    assert (portion.text, portion.reasoning) == ("a", "b")
    assert portion.calls == [CallDelta(0, "id", "f", "{}"), CallDelta(1, "own", "g")]
    assert not scan.drain()
    assert scan.reasoned


def test_reasoning_that_is_not_kept_apart_is_text_with_its_marks() -> None:
    scan = scanner(separate=False)
    scan.markup("<think>")
    scan.think("b")
    assert scan.drain().text == "<think>b"
    apart = scanner()
    apart.markup("<think>")
    assert not apart.drain()


def test_a_call_begins_only_where_it_may() -> None:
    scan = Scanner(lambda: "id", permits=lambda name: name == "f")
    scan.begin("f")
    with pytest.raises(Malformed):
        scan.begin("g")
    assert scan.calls == 1


def test_there_may_be_so_many_calls_and_no_more() -> None:
    scan = scanner(most_calls=1)
    scan.begin("f")
    with pytest.raises(Enough):
        scan.begin("g")
