"""Answers that are messages one after the other, each behind a head that says what it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from llmd.chat.scanning import Parsing, Scanner

ReadMessage = Callable[[str], Parsing[str | None]]
"""Reads a message behind the head that it is given, up to and with one of the frame's `ends`;
returns that, or None when the text ends first.
"""


@dataclass(frozen=True, slots=True)
class Frame:
    """What stands around messages."""

    heads: tuple[str, ...]
    """What a head can begin with."""
    message: str
    """What ends a head."""
    ends: tuple[str, ...]
    """What can stand behind a message."""
    next: tuple[str, ...]
    """Those of `ends` that belong to the next head."""


def messages(scan: Scanner, frame: Frame, read: ReadMessage) -> Parsing[None]:
    """Read an answer to its end. What the model says without any head is its answer; a head that
    breaks off shows nothing.
    """
    while not (yield from scan.over()):
        head = yield from scan.literal(*frame.heads)
        pieces = [head]
        if not head:
            found = yield from scan.through(frame.ends, scan.say)
        elif head == frame.message:
            found = yield from read("")
        elif (yield from scan.through((frame.message,), pieces.append)) is None:
            return
        else:
            found = yield from read("".join(pieces))
        if found in frame.next:
            scan.unread(str(found))
