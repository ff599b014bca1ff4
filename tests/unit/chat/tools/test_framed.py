from __future__ import annotations

import pytest

from llmd.chat.scanning import Parsing, Scanner
from llmd.chat.tools.framed import Frame, messages

FRAME = Frame(("<s>", "to=", "<m>"), "<m>", ("<e>", "<s>"), ("<s>",))


def read(text: str) -> str:
    scan = Scanner(lambda: "id")

    def message(head: str) -> Parsing[str | None]:
        scan.say(f"[{head}]")
        return (yield from scan.through(FRAME.ends, scan.say))

    parsing = messages(scan, FRAME, message)
    said = ""
    for piece in [*text, ""]:
        scan.add(piece)
        if not piece:
            scan.finish()
        next(parsing, None)
        said += scan.drain().text
    return said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("to=a<m>x<e><s>to=b<m>y<e>", "[to=a]x[<s>to=b]y"),
        ("<m>x<s><m>y", "[]x[<s>]y"),
        ("x<e>y<s>z<m>!", "xy[<s>z]!"),
        ("", ""),
        ("<s>no message", ""),
    ],
)
def test_every_message_is_read_with_its_head(text: str, said: str) -> None:
    assert read(text) == said
