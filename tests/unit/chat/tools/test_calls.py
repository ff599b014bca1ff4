from __future__ import annotations

from llmd.chat.scanning import Malformed, Parsing, Scanner
from llmd.chat.tools.calls import text_with_calls
from llmd.protocol.events import CallDelta, Portion


def run(text: str) -> Portion:
    """Read calls such as `[f]`; `[!]` is none."""
    scan = Scanner(lambda: "id")

    def read(_opening: str) -> Parsing[None]:
        name = yield from scan.take(1)
        if name == "!":
            raise Malformed
        scan.begin(name)
        yield from scan.expect("]")

    parsing = text_with_calls(scan, ("[",), read)
    scan.add(text)
    scan.finish()
    assert list(parsing) == []
    return scan.drain()


def test_white_space_around_calls_is_layout() -> None:
    assert run(" [f] \n [g] \n") == Portion(
        calls=[CallDelta(0, "id", "f"), CallDelta(1, "id", "g")]
    )
    assert run("a [f] \n b ").text == "a  \n b "
    assert run(" \n ").text == " \n "


def test_a_call_that_is_none_is_text_with_what_stood_before_it() -> None:
    assert run(" [!] ").text == " [!] "
    assert run("[f] [!]") == Portion(" [!]", calls=[CallDelta(0, "id", "f")])


def test_a_call_that_breaks_off_is_not_taken_back() -> None:
    assert run("[fx]") == Portion("x]", calls=[CallDelta(0, "id", "f")])
